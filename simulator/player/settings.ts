/** Who is live where: as the plan has it, or with versions that live on. Each setting has a course of its own. */
import { livesOn, replacedAt, withStragglers, type Position, type Straggler } from '../explore/positions.ts';
import type { Search } from '../explore/search.ts';
import type { Node } from '../explore/state.ts';
import type { Plan } from '../plan/model.ts';
import { Course } from './course.ts';
import { Requests } from './requests.ts';

export interface Setting {
  /** Equal for equal settings. */
  readonly key: string;
  readonly stragglers: readonly Straggler[];
  readonly requests: Requests;
  readonly course: Course;
}

export class Settings {
  private readonly known = new Map<string, Setting>();
  readonly planned: Setting;

  constructor(
    private readonly plan: Plan,
    private readonly positions: readonly Position[],
    private readonly search: Search,
    private readonly left: Set<string>,
  ) {
    this.planned = this.of([]);
  }

  /** Versions that could live on from a state, beside those that do already. */
  stragglers({ stragglers, course }: Setting, node: Node): readonly Straggler[] {
    const replaced = replacedAt(this.plan, course.position(node));
    const isOne = (s: Straggler): boolean => s.version === replaced?.version && s.deploy === replaced.deploy;
    return replaced === null || stragglers.some(isOne) ? [] : [replaced];
  }

  /** The setting in which one more version lives on. */
  with({ stragglers }: Setting, straggler: Straggler): Setting {
    return this.of([...stragglers, straggler]);
  }

  /** What holds at a state from now on: a version that has ended at last does not come back. */
  at({ stragglers, course }: Setting, node: Node): Setting {
    return this.of(stragglers.filter((s) => livesOn(this.plan, s, course.position(node))));
  }

  private of(stragglers: readonly Straggler[]): Setting {
    const key = JSON.stringify(stragglers);
    let setting = this.known.get(key);
    if (setting === undefined) {
      const positions =
        stragglers.length === 0 ? this.positions : withStragglers(this.plan, this.positions, stragglers);
      const requests = new Requests(this.plan, positions, this.search);
      setting = {
        key,
        stragglers,
        requests,
        course: new Course(this.plan, positions, this.search, requests, this.left),
      };
      this.known.set(key, setting);
    }
    return setting;
  }
}
