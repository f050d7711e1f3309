/**
 * Lessons that somebody has saved from the stage: a plan with its question in comments, and one comment that a machine reads.
 * Knows no editor, so that it can be tested alone.
 */
import type { Plan } from '../../simulator/plan/model.ts';
import { isName, isRecord, readTold } from '../stage/told-reader.ts';
import type { Told } from '../stage/told.ts';
import type { Goal } from './catalog.ts';

export interface SavedLesson {
  readonly title: string;
  readonly question: string;
  /** What is wrong with the plan; null where nobody has said. */
  readonly rule: string | null;
  readonly told: Told;
  readonly goal: Goal;
}

const mark = '# cutover-lesson: ';
const extension = /\.lesson\.cutover\.ya?ml$/;
const most = { names: 1000, text: 1000 } as const;

/** What a mended plan still does: it ends in the same version, and every version answers what all answer now. */
export function goalOf({ steps, versions }: Plan): Goal {
  const deployed = steps.flatMap((step) => (step.kind === 'deploy' ? [step.version] : []));
  const live = versions.filter(({ name }, index) => index === 0 || deployed.includes(name));
  const [first, ...others] = live;
  const requests = [...(first?.requests.keys() ?? [])];
  return {
    deploys: deployed.at(-1) ?? null,
    requests: requests.filter((name) => others.every((version) => version.requests.has(name))),
  };
}

/** `text`: the plan. Comments of an older lesson that it was made of are left out. */
export function lessonText({ title, question, ...data }: SavedLesson, text: string): string {
  const head = [
    `# Lesson: ${line(title)}`,
    '#',
    ...(question === '' ? [] : [`# Question: ${line(question)}`, '#']),
    '# Mend the plan below. The lesson is solved when it is safe.',
    '#',
    // A comment ends with its line, and JSON knows escapes for what else ends one.
    `${mark}${JSON.stringify({ title, question, ...data }).replaceAll(/[\u0085\u2028\u2029]/g, escaped)}`,
    '',
  ];
  const lines = text.split('\n');
  const last = lines.findLastIndex((each) => each.startsWith(mark));
  const plan = lines
    .slice(last + 1)
    .join('\n')
    .replace(/^\n+/, '');
  return `${head.join('\n')}\n${plan}`;
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** Null when the text is no lesson. */
export function readLesson(text: string): SavedLesson | null {
  const found = text.split('\n').find((each) => each.startsWith(mark));
  if (found === undefined) return null;
  try {
    const value: unknown = JSON.parse(found.slice(mark.length));
    if (!isRecord(value)) return null;
    const { title, question, rule } = value;
    const told = readTold(value['told']);
    const goal = readGoal(value['goal']);
    if (!isText(title) || !isText(question) || told === null || goal === null) return null;
    return { title, question, rule: isName(rule) ? rule : null, told, goal };
  } catch {
    return null;
  }
}

function readGoal(value: unknown): Goal | null {
  if (!isRecord(value)) return null;
  const { deploys, requests } = value;
  if (!(deploys === null || isName(deploys)) || !Array.isArray(requests) || requests.length > most.names) return null;
  return requests.every(isName) ? { deploys, requests } : null;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= most.text;
}

/** One that somebody works on is a document of its own: the saved one stays as it is. */
export function isLessonFile(path: string): boolean {
  return extension.test(path);
}

/** Without what makes it the name of a lesson. */
export function lessonFileName(title: string): string {
  const slug = title
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, '-')
    .replaceAll(/^-|-$/g, '');
  return slug.slice(0, 60).replace(/-$/, '') || 'lesson';
}

/** The document in which a saved lesson is mended. */
export function workName(path: string): string {
  return `mend-${(path.split('/').at(-1) ?? path).replace(extension, '')}`;
}

function line(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}
