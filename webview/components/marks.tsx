/** Marks that differ by their shape before they differ by colour. Pictures only: the words are beside them, or in a label. */
import type { Severity } from '../../simulator/report/model.ts';
import { severityWords } from '../model/words.ts';

export type MarkName =
  | 'held'
  | 'broken'
  | 'never'
  | 'absent'
  | 'error'
  | 'warning'
  | 'info'
  | 'safe'
  | 'unproven'
  | 'flag'
  | 'here'
  | 'down'
  | 'running';

/** On a field of 16 by 16. `fill` is drawn in the mark's colour, `cut` in the page's over it, `stroke` as a line. */
const shapes: Readonly<Record<MarkName, { readonly fill?: string; readonly cut?: string; readonly stroke?: string }>> =
  {
    held: { stroke: 'M3 8.5 6.5 12 13 4.5' },
    broken: { stroke: 'M3.5 3.5 12.5 12.5M12.5 3.5 3.5 12.5' },
    never: { stroke: 'M8 3.2a4.8 4.8 0 1 0 .01 0Z' },
    absent: { stroke: 'M5.5 8H10.5' },
    error: { fill: 'M5 1H11L15 5V11L11 15H5L1 11V5Z', cut: 'M5.2 5.2 10.8 10.8M10.8 5.2 5.2 10.8' },
    warning: { fill: 'M8 1 15.5 14.5H.5Z', cut: 'M8 5.8V9.6M8 11.6V12.6' },
    info: { fill: 'M8 1a7 7 0 1 0 .01 0Z', cut: 'M8 4.2V5.4M8 7.2V11.8' },
    safe: { fill: 'M8 1a7 7 0 1 0 .01 0Z', cut: 'M4.6 8.3 7.1 10.8 11.4 5.4' },
    unproven: { fill: 'M8 0 16 8 8 16 0 8Z', cut: 'M6 6.3a2 2 0 1 1 2.6 1.9c-.5.2-.6.5-.6 1.1M8 11V12' },
    flag: { fill: 'M4 2H13L10.5 5.5 13 9H5.5V15H4Z' },
    here: { fill: 'M5 3 12 8 5 13Z' },
    down: { stroke: 'M4 6 8 10 12 6' },
    running: { stroke: 'M8 2a6 6 0 1 1-6 6' },
  };

export function Mark({ name, size = 12 }: { readonly name: MarkName; readonly size?: number }) {
  const { fill, cut, stroke } = shapes[name];
  return (
    <svg class={`mark mark-${name}`} width={size} height={size} viewBox="0 0 16 16" aria-hidden="true">
      {fill === undefined ? null : <path class="mark-fill" d={fill} />}
      {cut === undefined ? null : <path class="mark-cut" d={cut} />}
      {stroke === undefined ? null : <path class="mark-stroke" d={stroke} />}
    </svg>
  );
}

/** With its word for whoever does not see it. */
export function SeverityMark({ severity, size }: { readonly severity: Severity; readonly size?: number }) {
  return (
    <>
      <Mark name={severity} size={size ?? 14} />
      <span class="hidden">{severityWords[severity]} </span>
    </>
  );
}
