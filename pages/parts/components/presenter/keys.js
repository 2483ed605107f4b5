// What a key means while one presents. Presentation clickers send PageDown and PageUp.

export const KEYS = [
  ["Space", "play or pause the film of a map"],
  ["← →", "one epoch back or on"],
  ["Page Up, Page Down", "the page before or after; clickers send these"],
  ["1 to 6", "Start, Lab, Inside, Compare, Label, Maths"],
  ["q", "the address as a QR code"],
  ["?", "these keys"],
  ["Esc", "close what lies over the page"],
];

const ACTIONS = { " ": ["film"], ArrowLeft: ["step"], ArrowRight: ["step"], PageUp: ["page", -1], PageDown: ["page", 1],
  q: ["qr"], "?": ["keys"], Escape: ["close"] };
const PRESSED = new Set(["BUTTON", "A", "SUMMARY"]); // the space bar presses these
const MOVED = new Set(["range"]); // arrows move these
const NOT_TYPED = new Set(["range", "checkbox", "radio", "button", "submit", "reset", "color", "file"]);

/** Whether somebody types in this element, or chooses by letters. */
export function isField(element) {
  const { tagName, type } = element;
  if (tagName === "INPUT") return !NOT_TYPED.has(type);
  return tagName === "TEXTAREA" || tagName === "SELECT" || element.isContentEditable === true;
}

/**
 * What a key event asks for: ["film"], ["step"], ["page", 1], ["entry", 0], ["qr"], ["keys"], ["close"], or null.
 * @param {KeyboardEvent} event
 */
export function actionOf(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return null;
  const target = event.composedPath()[0];
  if (target?.tagName && isField(target)) return null;
  const role = target?.getAttribute?.("role");
  if (event.key === " " && (PRESSED.has(target?.tagName) || role === "button" || target?.type === "checkbox"
    || target?.type === "radio")) return null;
  const arrow = event.key.startsWith("Arrow");
  if (arrow && (MOVED.has(target?.type) || ["slider", "radio", "tab", "menuitem"].includes(role) || target?.type === "radio")) {
    return null;
  }
  if (/^[1-6]$/.test(event.key)) return ["entry", Number(event.key) - 1];
  return ACTIONS[event.key] ?? null;
}
