// Which keys are the labeller's own, though something else has the focus.

import { isField } from "../presenter/keys.js";

const DIGIT = /^[0-9]$/;

/**
 * Whether a key that something outside has the focus for may give a label: nobody types there, and it is no key of that.
 * While one presents digits lead to pages, so that there only a key that nothing has the focus for may.
 * @param {HTMLElement} target
 * @param {string} key
 * @param {string} search the address, from its "?" on
 * @returns {boolean}
 */
export function isFree(target, key, search = location.search) {
  if (["BODY", "HTML"].includes(target.tagName)) return true;
  if (new URLSearchParams(search).has("present") || isField(target)) return false;
  return DIGIT.test(key) || target.tagName === "SECTION" || target.tagName === "MAIN";
}
