// What lies over a page that is presented: its keys, or its address as a QR code.

import { element } from "../shared/elements.js";
import { KEYS } from "./keys.js";

const dialog = (label, ...children) => element("div", { class: "dialog", role: "dialog", "aria-modal": "true",
  "aria-label": label, tabindex: "-1" }, ...children);

/** Text in which `code` stands between back quotes. */
function withCode(text) {
  return text.split("`").map((part, i) => (i % 2 ? element("code", {}, part) : part));
}

export function keysShown() {
  return dialog("Keys", element("h2", {}, "Keys"), element("dl", {},
    ...KEYS.flatMap(([keys, what]) => [element("dt", {}, keys), element("dd", {}, what)])),
  element("p", { class: "soft" }, "They do nothing while one types. On Label, digits give labels."));
}

/** @param {{address: string, words: string, picture: string}} qr @param {boolean} follows whether the address is a follower's */
export function qrShown({ address, words, picture }, follows) {
  return dialog("QR code", picture ? element("img", { src: picture, alt: `QR code of ${address}` }) : null,
    address ? element("p", { class: "address" }, address.replace(/^http:\/\//, "")) : null,
    follows && address ? element("p", {}, "Open it to follow this page.") : null,
    words ? element("p", { class: address ? "soft" : "" }, ...withCode(words)) : null);
}
