// Builds the elements of the page. Text is always text: nothing that comes from a stream is markup.

/** An element with properties and children. `class`, `aria-*`, `role` and `data-*` are attributes. */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "class") made.className = value;
    else if (name.includes("-") || ["role", "scope", "tabindex"].includes(name)) made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

export function byId(id) {
  return document.getElementById(id);
}

/** Sets the text only if it differs, so that readers are not told again. */
export function say(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

/** A table: columns are [title, isText], rows are lists of texts or elements; the first heads its row. */
export function table(caption, columns, rows) {
  const head = columns.map(([title, isText]) => element("th", { scope: "col", class: isText ? "text" : "" }, title));
  const body = rows.map((cells) =>
    element("tr", {}, ...cells.map((cell, index) =>
      index === 0
        ? element("th", { scope: "row", class: columns[0][1] ? "text" : "" }, cell)
        : element("td", { class: columns[index][1] ? "text" : "" }, cell))));
  const made = element("table", {},
    element("caption", { class: "hidden" }, caption),
    element("thead", {}, element("tr", {}, ...head)),
    element("tbody", {}, ...body));
  return element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption }, made);
}

/** A bar that shows a share from 0 to 1. What it shows is said beside it. */
export function bar(share) {
  const filled = element("i");
  filled.style.width = `${Math.min(100, Math.max(0, share * 100)).toFixed(1)}%`;
  return element("span", { class: "bar", "aria-hidden": "true" }, filled);
}

/** Puts children in place of those that are there, unless somebody reads or uses them. */
export function replace(target, ...children) {
  if (target.contains(document.activeElement) && document.activeElement !== document.body) return;
  target.replaceChildren(...children);
}
