/** What a rule means, with a link to its page: for completion and hover. */
import { rules } from '../../../simulator/findings/catalog.ts';

/** Rules that a rehearsal can find. */
export function ruleIds(): readonly string[] {
  return [...rules.keys()];
}

/** Markdown; null of a name that is none. The link is a command of the extension's. */
export function ruleText(id: string): string | null {
  const rule = [...rules.values()].find((each) => each.id === id);
  if (rule === undefined) return null;
  const link = `command:cutover.openRule?${encodeURIComponent(JSON.stringify([id]))}`;
  return `**${id}** (${rule.severity})\n\n${rule.meaning}\n\n${rule.hint}\n\n[What it means and what to do](${link})`;
}
