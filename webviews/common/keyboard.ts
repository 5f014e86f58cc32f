/** Keys of a focused element as a table of actions. */

/** Names are those of KeyboardEvent.key, after "Shift+" where it is held; other modifiers are left to the editor. */
export function onKeys(target: HTMLElement, actions: Readonly<Record<string, () => void>>): void {
  target.addEventListener('keydown', (event) => {
    if (event.target !== target || event.ctrlKey || event.metaKey || event.altKey) return;
    const action = actions[event.shiftKey && event.key.length > 1 ? `Shift+${event.key}` : event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
}
