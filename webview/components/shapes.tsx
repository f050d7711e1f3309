/** Draws the shapes of a picture. */
import type { Paint, Shape } from '../model/shapes.ts';

const ink = (name: string | undefined) =>
  name === undefined ? 'none' : `var(--${name === 'soft' ? 'ink-soft' : name})`;

function paintOf({ fill, fillOpacity, stroke, width, dash }: Paint) {
  return {
    fill: ink(fill),
    'fill-opacity': fillOpacity,
    stroke: ink(stroke),
    'stroke-width': width,
    'stroke-dasharray': dash === 'none' ? undefined : dash,
  };
}

function Drawn({ shape }: { readonly shape: Shape }) {
  switch (shape.kind) {
    case 'rect':
      return (
        <rect
          x={shape.x}
          y={shape.y}
          width={shape.width}
          height={shape.height}
          rx={shape.round}
          {...paintOf(shape.paint)}
        >
          {shape.title === undefined ? null : <title>{shape.title}</title>}
        </rect>
      );
    case 'hatch':
      return (
        <rect
          class="hatch"
          x={shape.x}
          y={shape.y}
          width={shape.width}
          height={shape.height}
          fill={`url(#hatch-${shape.ink})`}
        />
      );
    case 'path':
      return <path d={shape.d} {...paintOf(shape.paint)} />;
    case 'circle':
      return <circle cx={shape.x} cy={shape.y} r={shape.radius} {...paintOf(shape.paint)} />;
    case 'text': {
      const names = `${shape.isMono ? 'mono' : 'sans'}${shape.isBold ? ' bold' : ''}${shape.isOver ? ' over' : ''}`;
      return (
        <text
          class={names}
          x={shape.x}
          y={shape.y}
          font-size={shape.size}
          fill={ink(shape.ink)}
          text-anchor={shape.anchor}
        >
          {shape.text}
          {shape.title === undefined ? null : <title>{shape.title}</title>}
        </text>
      );
    }
  }
}

export function Shapes({ shapes }: { readonly shapes: readonly Shape[] }) {
  return (
    <>
      {shapes.map((shape, i) => (
        <Drawn key={i} shape={shape} />
      ))}
    </>
  );
}

export function Hatches() {
  return (
    <defs>
      {(['bad', 'soft'] as const).map((name) => (
        <pattern
          key={name}
          id={`hatch-${name}`}
          width="6"
          height="6"
          patternUnits="userSpaceOnUse"
          patternTransform="rotate(45)"
        >
          <rect
            width={name === 'bad' ? 2 : 1.4}
            height="6"
            fill={ink(name)}
            fill-opacity={name === 'bad' ? 0.5 : 0.45}
          />
        </pattern>
      ))}
    </defs>
  );
}
