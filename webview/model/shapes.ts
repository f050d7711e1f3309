/** What a picture is made of: shapes with the names of their inks, drawn on the page and written into an export alike. */

/** Inks are tokens of the page's style: `var(--bad)`. */
export type Ink = 'ink' | 'soft' | 'paper' | 'line' | 'bad' | 'good' | 'old' | 'new';

export interface Paint {
  readonly fill?: Ink;
  readonly fillOpacity?: number;
  readonly stroke?: Ink;
  readonly width?: number;
  readonly dash?: string;
}

export type Shape =
  | {
      readonly kind: 'rect';
      readonly x: number;
      readonly y: number;
      readonly width: number;
      readonly height: number;
      readonly round: number;
      readonly paint: Paint;
      readonly title?: string;
    }
  /** A rectangle of slanted lines: a value that is not what it should be. */
  | {
      readonly kind: 'hatch';
      readonly x: number;
      readonly y: number;
      readonly width: number;
      readonly height: number;
      readonly ink: 'bad' | 'soft';
    }
  | { readonly kind: 'path'; readonly d: string; readonly paint: Paint }
  | {
      readonly kind: 'circle';
      readonly x: number;
      readonly y: number;
      readonly radius: number;
      readonly paint: Paint;
    }
  | {
      readonly kind: 'text';
      readonly x: number;
      readonly y: number;
      readonly text: string;
      readonly ink: Ink;
      readonly size: number;
      readonly isMono: boolean;
      readonly isBold: boolean;
      readonly anchor: 'start' | 'middle' | 'end';
      /** Whether it stands on a rim of paper, over lines. */
      readonly isOver: boolean;
      /** The whole text, where it had to be cut. */
      readonly title?: string;
    };

export interface TextStyle {
  readonly ink?: Ink;
  readonly size?: number;
  readonly isMono?: boolean;
  readonly isBold?: boolean;
  readonly anchor?: 'start' | 'middle' | 'end';
  readonly isOver?: boolean;
}

export function text(x: number, y: number, words: string, style: TextStyle = {}, title?: string): Shape {
  const { ink = 'ink', size = 11, isMono = false, isBold = false, anchor = 'start', isOver = false } = style;
  const shape = { kind: 'text' as const, x, y, text: words, ink, size, isMono, isBold, anchor, isOver };
  return title === undefined || title === words ? shape : { ...shape, title };
}

export function line(x1: number, y1: number, x2: number, y2: number, paint: Paint): Shape {
  return { kind: 'path', d: `M${n(x1)} ${n(y1)}L${n(x2)} ${n(y2)}`, paint };
}

export function path(d: string, paint: Paint): Shape {
  return { kind: 'path', d, paint };
}

export function circle(x: number, y: number, radius: number, paint: Paint): Shape {
  return { kind: 'circle', x, y, radius, paint };
}

/** A cross: something is wrong here, failed, or broke off. */
export function cross(x: number, y: number, size: number, ink: Ink, width: number): Shape {
  const d = `M${n(x - size)} ${n(y - size)}L${n(x + size)} ${n(y + size)}M${n(x + size)} ${n(y - size)}L${n(x - size)} ${n(y + size)}`;
  return path(d, { stroke: ink, width });
}

/** Numbers in a path: no more digits than can be seen. */
export function n(value: number): string {
  return String(Math.round(value * 10) / 10);
}
