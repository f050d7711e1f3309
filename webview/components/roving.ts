/** A grid with one tab stop: arrows move the focus inside. The focus is on a real cell. */
import { useRef, useState } from 'preact/hooks';

export interface Roving {
  readonly onKeyDown: (event: KeyboardEvent) => void;
  readonly onFocusIn: (event: FocusEvent) => void;
  readonly tabIndex: (row: number, column: number) => 0 | -1;
}

/** Where each key leads from; null: the key is none of the grid's. */
function destination(event: KeyboardEvent, row: number, column: number, rows: number, columns: number) {
  const clamp = (value: number, top: number) => Math.max(0, Math.min(top, value));
  const to = (nextRow: number, nextColumn: number) => ({
    row: clamp(nextRow, rows - 1),
    column: clamp(nextColumn, columns - 1),
  });
  switch (event.key) {
    case 'ArrowUp':
      return to(row - 1, column);
    case 'ArrowDown':
      return to(row + 1, column);
    case 'ArrowLeft':
      return to(row, column - 1);
    case 'ArrowRight':
      return to(row, column + 1);
    case 'Home':
      return event.ctrlKey ? to(0, 0) : to(row, 0);
    case 'End':
      return event.ctrlKey ? to(rows - 1, columns - 1) : to(row, columns - 1);
    case 'PageUp':
      return to(0, column);
    case 'PageDown':
      return to(rows - 1, column);
    default:
      return null;
  }
}

/** Cells say where they are by `data-row` and `data-column`. Where a row is shorter, its last cell is taken. */
export function useRoving(rows: number, columns: number, start: { row: number; column: number }): Roving {
  const [cursor, setCursor] = useState(start);
  const moved = useRef(false);
  // Another report may have fewer rows.
  const at = moved.current && cursor.row < rows && cursor.column < columns ? cursor : start;
  const place = (element: EventTarget | null) => {
    const cell = element instanceof Element ? element.closest<HTMLElement>('[data-row]') : null;
    if (cell === null) return null;
    return { cell, row: Number(cell.dataset.row), column: Number(cell.dataset.column) };
  };
  return {
    onKeyDown: (event) => {
      const from = place(event.target);
      if (from === null || event.altKey || event.metaKey) return;
      const isStep = event.ctrlKey && event.key.startsWith('Arrow');
      const to = isStep ? null : destination(event, from.row, from.column, rows, columns);
      if (to === null) return;
      event.preventDefault();
      const grid = from.cell.closest('[role=grid]');
      const cells = [...(grid?.querySelectorAll<HTMLElement>(`[data-row="${to.row}"]`) ?? [])];
      const next = cells.findLast((cell) => Number(cell.dataset.column) <= to.column);
      next?.focus();
    },
    onFocusIn: (event) => {
      const here = place(event.target);
      if (here === null) return;
      moved.current = true;
      setCursor({ row: here.row, column: here.column });
    },
    tabIndex: (row, column) => (row === at.row && column === at.column ? 0 : -1),
  };
}
