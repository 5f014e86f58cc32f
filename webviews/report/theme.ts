/** Dark or light: as the system has it, until the reader chooses. */

export const isDark = (): boolean => document.documentElement.dataset.theme === 'dark' || (document.documentElement.dataset.theme === undefined && matchMedia('(prefers-color-scheme: dark)').matches);

/** A colour of the style sheet, as it is now. */
export const colour = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/** Shows the switch and calls `onChange` whenever the colours are others. */
export function followTheme(onChange: () => void): void {
  const button = document.querySelector<HTMLButtonElement>('#theme');
  const update = (): void => {
    if (button) button.textContent = isDark() ? 'Light' : 'Dark';
    button?.setAttribute('aria-label', isDark() ? 'Change to light colours' : 'Change to dark colours');
    onChange();
  };
  button?.addEventListener('click', () => {
    document.documentElement.dataset.theme = isDark() ? 'light' : 'dark';
    update();
  });
  if (button) button.hidden = false;
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', update);
  update();
}
