// A filter that is typed: "entropy > 1 and wrong". What it means, or a sentence that says what it cannot mean.

import { KINDS } from "../shared/words.js";

export const EXAMPLE = "entropy > 1 and wrong";
export const HELP = "Conditions joined by “and”: entropy > 1, probability < 0.9, wrong, right, class = 4, predicted = 4, 9, "
  + "class != 4, labelled, unlabelled, test, image 17, test image 17, training image 17. "
  + "Enter pins the image if only one is left.";
const COMPARE = {
  "<": (a, b) => a < b, "<=": (a, b) => a <= b, ">": (a, b) => a > b, ">=": (a, b) => a >= b,
  "=": (a, b) => Math.abs(a - b) < 5e-3, "!=": (a, b) => Math.abs(a - b) >= 5e-3, // as precise as it is shown
};
const SIGNS = { "≤": "<=", "≥": ">=", "≠": "!=", "==": "=" };
const NUMBERS = { entropy: "entropy", probability: "sure" };
const CLASSES = { class: "true", predicted: "predicted" };

/**
 * @typedef {{mode: string, test: (points: Object, i: number) => boolean}} Condition `mode`: the way of colouring that
 *   needs what it looks at; a map without it passes all its points
 */

/**
 * The conditions of a typed filter, none of an empty one; or the sentence that says what is wrong with it.
 * @param {string} text
 * @param {string[]} classes their names
 * @param {string[]} modes what the images can be coloured by
 * @returns {{conditions: Condition[], error: string}}
 */
export function parsed(text, classes, modes) {
  const conditions = [];
  if (!text.trim()) return { conditions, error: "" };
  for (const part of text.trim().split(/\s+and\s+|\s*&+\s*/i)) {
    const made = condition(part.trim(), classes);
    if (typeof made === "string") return { conditions: [], error: made };
    if (!modes.includes(made.mode)) {
      return { conditions: [], error: `“${part}” needs class probabilities, and this run has none.` };
    }
    conditions.push(made);
  }
  return { conditions, error: "" };
}

function condition(part, classes) {
  const word = part.toLowerCase();
  if (word === "wrong" || word === "right") {
    return { mode: "right", test: (p, i) => (p.true[i] === p.predicted[i]) === (word === "right") };
  }
  if (KINDS.includes(word)) {
    const kind = KINDS.indexOf(word);
    return { mode: "kind", test: (p, i) => p.kind[i] === kind };
  }
  const image = /^(?:(test|training)\s+)?image\s*(?:=\s*)?(.*)$/.exec(word);
  if (image) return images(image[1], image[2]);
  const found = /^([a-z]+)\s*(<=|>=|!=|==|[<>=≤≥≠])\s*(.*)$/i.exec(part);
  if (!found) return part ? `“${part}” is no condition. One is: ${EXAMPLE.split(" and ")[0]}.` : `A condition is missing beside “and”.`;
  const [name, sign, value] = [found[1].toLowerCase(), SIGNS[found[2]] ?? found[2], found[3].trim()];
  if (name in NUMBERS) return compared(name, sign, value);
  if (name in CLASSES) return ofClasses(name, sign, value, classes);
  return `“${found[1]}” is nothing an image has here: write entropy, probability, class or predicted.`;
}

function compared(name, sign, value) {
  const limit = Number(value.replace(/^(\d*),(\d+)$/, "$1.$2").replace(/\s*(nats|%)$/, "")) / (value.endsWith("%") ? 100 : 1);
  if (!value || !Number.isFinite(limit)) return `After “${name} ${sign}” comes a number, as in “${name} ${sign} 0.5”.`;
  const column = NUMBERS[name];
  return { mode: column, test: (p, i) => COMPARE[sign](p[column][i], limit) };
}

function ofClasses(name, sign, value, classes) {
  if (sign !== "=" && sign !== "!=") return `Classes have no order: write “${name} = ${classes[0]}” or “${name} != ${classes[0]}”.`;
  const wanted = new Set();
  for (const given of value.split(",").map((v) => v.trim().replace(/^["“](.*)["”]$/, "$1"))) {
    const k = classes.findIndex((c) => c.toLowerCase() === given.toLowerCase());
    if (k < 0) {
      const some = classes.slice(0, 10).join(", ");
      return `There is no class “${given}”. The classes are ${some}${classes.length > 10 ? " and others" : ""}.`;
    }
    wanted.add(k);
  }
  const column = CLASSES[name];
  return { mode: name, test: (p, i) => wanted.has(p[column][i]) === (sign === "=") };
}

function images(of, value) {
  const numbers = value.split(",").map((v) => v.trim());
  if (!numbers.every((v) => /^\d+$/.test(v))) return "After “image” comes its number, as in “image 17” or “test image 17”.";
  const ids = new Set(numbers.map(Number).flatMap((n) => [...(of === "test" ? [] : [n]), ...(of === "training" ? [] : [-1 - n])]));
  return { mode: "kind", test: (p, i) => ids.has(p.id[i]) };
}
