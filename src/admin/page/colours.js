// The colours of series, from the style sheet: they follow the light or dark mode of the reader.

/** The value of a colour of the style sheet. */
export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** Lines of one chart differ by their dashes, too. */
export const DASHES = [[], [7, 3], [2, 3], [9, 3, 2, 3], [4, 4], [12, 4], [1, 2], [6, 2, 1, 2, 1, 2]];

/** Calls back when the mode changes. */
export function onModeChange(change) {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", change);
}
