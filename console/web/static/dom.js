// Making elements. Text from outside only ever becomes text nodes and attributes, never markup.

const SVG = "http://www.w3.org/2000/svg";
const AS_PROPERTY = new Set(["value", "checked", "disabled", "hidden", "indeterminate", "selected", "required", "multiple", "open"]);

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (AS_PROPERTY.has(name)) element[name] = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat(Infinity)) {
    if (child === undefined || child === null || child === false) continue;
    element.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return element;
}

/** An HTML element: `h("a", {href, onclick}, "text", element, [more])`. */
export const h = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);

/** An SVG element. */
export const s = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

/** Put other children into an element. */
export function put(element, ...children) {
  element.replaceChildren();
  return fill(element, null, children);
}

let ids = 0;
/** An id nobody else has, for labels. */
export const fresh = (stem) => `${stem}-${++ids}`;

/** A labelled field: a label above a control, with an optional hint that a screen reader reads too. */
export function field(label, control, hint) {
  const id = control.id || (control.id = fresh("field"));
  if (!hint) return h("div", { class: "field" }, h("label", { for: id }, label), control);
  control.setAttribute("aria-describedby", `${id}-hint`);
  return h("div", { class: "field" }, h("label", { for: id }, label), control, h("p", { class: "quiet", id: `${id}-hint` }, hint));
}

/** A button that cannot be pressed twice while what it started goes on. */
export function action(label, work, attributes = {}) {
  const button = h("button", { type: "button", class: "action", ...attributes }, label);
  button.addEventListener("click", async () => {
    if (button.getAttribute("aria-disabled") === "true") return;
    button.setAttribute("aria-disabled", "true");
    try {
      await work(button);
    } finally {
      button.removeAttribute("aria-disabled");
    }
  });
  return button;
}
