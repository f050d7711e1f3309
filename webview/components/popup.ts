/** A list that opens from a button: where the focus goes, and what closes it. */
import type { RefObject } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import type { Store } from '../store.ts';

export interface Popup {
  readonly isOpen: boolean;
  readonly button: RefObject<HTMLButtonElement | null>;
  readonly list: RefObject<HTMLDivElement | null>;
  readonly toggle: () => void;
  readonly close: () => void;
  /** Of the button: an arrow down opens. */
  readonly onButtonKey: (event: KeyboardEvent) => void;
  /** Of the list: arrows go through its items. */
  readonly onListKey: (event: KeyboardEvent) => void;
}

export function usePopup(store: Store, name: 'export' | 'histories', items: string): Popup {
  const button = useRef<HTMLButtonElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const isOpen = store.open.value === name;
  const close = () => {
    store.open.value = null;
    button.current?.focus();
  };
  useLayoutEffect(() => {
    if (!isOpen) return;
    focusItem(list.current, items, 'current');
    const outside = (event: PointerEvent) => {
      const target = event.target instanceof Node ? event.target : null;
      const isInside = [button, list].some(({ current }) => current?.contains(target) === true);
      if (!isInside) store.open.value = null;
    };
    document.addEventListener('pointerdown', outside);
    return () => document.removeEventListener('pointerdown', outside);
  }, [isOpen]);
  return {
    isOpen,
    button,
    list,
    toggle: () => {
      store.open.value = isOpen ? null : name;
    },
    close,
    onButtonKey: (event) => {
      if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
      event.preventDefault();
      store.open.value = name;
    },
    onListKey: (event) => {
      if (event.key === 'Tab') store.open.value = null;
      const to = destinations[event.key];
      if (event.key === 'Escape') close();
      else if (to !== undefined) focusItem(list.current, items, to);
      else if (event.key.length > 1 || event.key === ' ' || event.ctrlKey) return;
      // Letters are no keys of the page while a list is open.
      event.preventDefault();
    },
  };
}

type Destination = 'next' | 'previous' | 'first' | 'last' | 'current';

const destinations: Readonly<Record<string, Destination>> = {
  ArrowDown: 'next',
  ArrowUp: 'previous',
  Home: 'first',
  End: 'last',
  ArrowLeft: 'current',
  ArrowRight: 'current',
};

function focusItem(list: HTMLElement | null, selector: string, to: Destination): void {
  const items = [...(list?.querySelectorAll<HTMLElement>(selector) ?? [])];
  const selected = items.findIndex((item) => item.getAttribute('aria-selected') === 'true');
  const focused = items.indexOf(document.activeElement as HTMLElement);
  const now = focused < 0 ? Math.max(0, selected) : focused;
  const places: Readonly<Record<Destination, number>> = {
    next: (now + 1) % items.length,
    previous: (now - 1 + items.length) % items.length,
    first: 0,
    last: items.length - 1,
    current: now,
  };
  items[places[to]]?.focus();
}
