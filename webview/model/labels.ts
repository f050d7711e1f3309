/** Which side of its mark a label goes to, and how much room it has there: labels of one lane never lie over each other. */

export interface Label {
  /** Of its mark. */
  readonly x: number;
  readonly width: number;
}

export interface Side {
  readonly isLeft: boolean;
  readonly room: number;
}

/** From a mark to its label, and from the label to the next mark. */
const clear = 20;
const most = 280;

/** The labels of a lane from left to right, which ends at `end`. */
export function sidesOf(labels: readonly Label[], end: number): readonly Side[] {
  const sides = labels.map(({ x, width }, i): Side => {
    const right = Math.min(most, (labels[i + 1]?.x ?? end + 8) - x - clear);
    const left = Math.min(most, x - (labels[i - 1]?.x ?? 0) - clear);
    const isLeft = width > right && left > right;
    return { isLeft, room: isLeft ? left : right };
  });
  return sides.map((side, i) => {
    const other = side.isLeft ? i - 1 : i + 1;
    const [own, next] = [labels[i], labels[other]];
    const meets = next !== undefined && own !== undefined && sides[other]?.isLeft === !side.isLeft && next.width > 0;
    if (!meets) return side;
    return { ...side, room: Math.min(side.room, shared(own.width, next.width, Math.abs(next.x - own.x) - 2 * clear)) };
  });
}

/** What is left of some room that two need: half of it, or what the other leaves. */
function shared(own: number, other: number, room: number): number {
  return Math.max(Math.min(own, room / 2), room - other);
}
