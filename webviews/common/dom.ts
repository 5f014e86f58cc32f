/** Elements without markup: what comes from files is only ever text. */

type Attributes = Readonly<Record<string, string | number | boolean | null>>;

/** An element with its attributes (true: present, false or null: absent) and children. */
export function element<K extends keyof HTMLElementTagNameMap>(tag: K, attributes: Attributes = {}, ...children: (Node | string)[]): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== false && value !== null) made.setAttribute(name, value === true ? '' : String(value));
  made.append(...children);
  return made;
}

export function button(label: string, attributes: Attributes, onClick: () => void): HTMLButtonElement {
  const made = element('button', { type: 'button', ...attributes }, label);
  made.addEventListener('click', onClick);
  return made;
}

/** Puts the text there, if it is not there yet. */
export function setText(target: Node, text: string): void {
  if (target.textContent !== text) target.textContent = text;
}
