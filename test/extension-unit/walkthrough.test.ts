/** The walkthrough leads to commands that are there, with pictures that are there and light. */
import { readFileSync, statSync } from 'node:fs';
import { expect, test } from 'vitest';

interface Step {
  readonly id: string;
  readonly description: string;
  readonly media: { readonly svg: string; readonly altText: string };
  readonly completionEvents: readonly string[];
}

interface Manifest {
  readonly contributes: {
    readonly commands: readonly { readonly command: string }[];
    readonly walkthroughs: readonly { readonly steps: readonly Step[] }[];
  };
}

const { contributes } = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest;
const steps = contributes.walkthroughs.flatMap((each) => each.steps);

test('each step has one button, whose command exists, and is completed by it or by a lesson that is solved', () => {
  expect(steps).toHaveLength(6);
  const commands = contributes.commands.map(({ command }) => command);
  for (const { id, description, completionEvents } of steps) {
    const linked = [...description.matchAll(/\]\(command:([\w.]+)\)/g)].map(([, command]) => command ?? '');
    expect(linked, id).toHaveLength(1);
    expect(commands, id).toContain(linked[0]);
    const event = id === 'lesson' ? 'onContext:cutover.lessonSolved' : `onCommand:${linked[0] ?? ''}`;
    expect(completionEvents, id).toEqual([event]);
  }
});

test('each step has a picture that themes itself', () => {
  for (const { media } of steps) {
    expect(statSync(media.svg).size, media.svg).toBeLessThan(8 * 1024);
    const svg = readFileSync(media.svg, 'utf8');
    // Every colour is the theme's; what follows the comma is for viewers that have none.
    expect(svg.replaceAll(/var\(--vscode-[\w-]+, #\w+\)/g, ''), media.svg).not.toMatch(/#[0-9a-f]{3}/i);
    expect(media.altText.length, media.svg).toBeGreaterThan(20);
  }
});
