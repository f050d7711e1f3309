/** Small integers for texts, so that states are compared and keyed by number. */
export class Interner {
  private readonly ids = new Map<string, number>();
  private readonly texts: string[] = [];
  /** Of all texts together. */
  letters = 0;

  id(text: string): number {
    let id = this.ids.get(text);
    if (id === undefined) {
      id = this.texts.length;
      this.ids.set(text, id);
      this.texts.push(text);
      this.letters += text.length;
    }
    return id;
  }

  text(id: number): string {
    const text = this.texts[id];
    if (text === undefined) throw new RangeError(`no text was interned as ${id}`);
    return text;
  }

  get size(): number {
    return this.texts.length;
  }
}

/** Keeps one of all the values that are equal as JSON. */
export class Shared<T> {
  private readonly values = new Map<string, T>();

  one(value: T): T {
    const key = JSON.stringify(value);
    const known = this.values.get(key);
    if (known === undefined) this.values.set(key, value);
    return known ?? value;
  }
}
