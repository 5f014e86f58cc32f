/** The editor's colours as they are now, and when they change. */

/** A colour of the style sheet or of the editor (without its leading dashes). */
export const colour = (name: string): string => getComputedStyle(document.body).getPropertyValue(`--${name}`).trim();

/** Calls back whenever the editor's theme is another: its class on the body, or its colours on the root element. */
export function onThemeChange(redraw: () => void): void {
  let pending = false;
  const observer = new MutationObserver(() => {
    if (pending) return;
    pending = true;
    requestAnimationFrame(() => {
      pending = false;
      redraw();
    });
  });
  observer.observe(document.body, { attributes: true, attributeFilter: ['class'] });
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ['style'] });
}
