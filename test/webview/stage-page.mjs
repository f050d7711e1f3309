/** The stage as somebody sees it: what is done by keys and pointer, and what is read by role and label. */
import { themes } from './harness.mjs';

const timeout = 10_000;

export class StagePage {
  constructor(page, address) {
    this.page = page;
    this.address = address;
    this.errors = [];
    page.setDefaultTimeout(timeout);
    page.on('pageerror', (error) => this.errors.push(error.stack));
    page.on('console', (message) => {
      if (message.type() === 'error') this.errors.push(message.text());
    });
  }

  /** Opens a recording anew: nothing is remembered. */
  async open(recording, { theme = 'Dark Modern', size = [900, 1200], deaf = 0 } = {}) {
    this.errors.length = 0;
    const [width, height] = size;
    await this.page.setViewportSize({ width, height });
    const query = new URLSearchParams({ recording, theme, deaf: String(deaf) });
    await this.page.goto(`${this.address}/?${query}`);
    await this.page.evaluate(() => sessionStorage.clear());
    await this.page.goto(`${this.address}/?${query}`);
    await this.settled();
  }

  /** The host has answered, and what it said is drawn. */
  async settled() {
    await this.page.locator('.stage[data-ready=true]').waitFor();
    await this.frames();
  }

  async frames() {
    await this.page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  }

  async reload() {
    await this.page.reload();
    await this.settled();
  }

  /** Another theme, as the editor changes it: on the page that is there. */
  async theme(name) {
    const { kind, variables } = themes[name];
    await this.page.evaluate(
      ({ kind, variables }) => {
        document.documentElement.removeAttribute('style');
        for (const [variable, value] of Object.entries(variables))
          document.documentElement.style.setProperty(variable, value);
        document.body.className = kind;
        document.body.dataset.vscodeThemeKind = kind;
      },
      { kind, variables },
    );
    await this.frames();
  }

  async press(...keys) {
    for (const key of keys) await this.page.keyboard.press(key);
    await this.frames();
  }

  /** The focus on the page itself, where its keys are. */
  async nowhere() {
    await this.page.evaluate(() => document.activeElement?.blur());
  }

  /** What the host was asked with a method, each with its arguments. */
  asked(method) {
    return this.page.evaluate(
      (name) => window.asked.filter((each) => each.method === name).map(({ args }) => args),
      method,
    );
  }

  async forget() {
    await this.page.evaluate(() => {
      window.asked.length = 0;
    });
  }

  /** The host calls the page. */
  async call(method, ...args) {
    await this.page.evaluate(({ method, args }) => window.call(method, ...args), { method, args });
    await this.frames();
  }

  /** Of the playhead: the number of the event it stands at. */
  async moment() {
    return Number(await this.page.locator('[data-playhead]').inputValue());
  }

  /** What the page's own thread has done so far, in milliseconds of its processor: whatever else the machine does. */
  async busy() {
    if (this.metrics === undefined) {
      this.metrics = await this.page.context().newCDPSession(this.page);
      await this.metrics.send('Performance.enable', { timeDomain: 'threadTicks' });
    }
    const { metrics } = await this.metrics.send('Performance.getMetrics');
    return 1000 * metrics.find(({ name }) => name === 'TaskDuration').value;
  }

  cell(label) {
    return this.page.getByRole('gridcell', { name: label });
  }

  async tab(name) {
    await this.page.getByRole('tab', { name, exact: true }).click();
    await this.frames();
  }
}
