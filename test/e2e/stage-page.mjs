/** The stage in VS Code's window as somebody sees it: a page in a frame, beside the plan. */
import { axeViolations } from '../webview/axe.mjs';

export class StagePage {
  constructor(workbench) {
    this.workbench = workbench;
    this.page = workbench.page;
  }

  /** The page's own frame: the editor puts it into one of its own. Looked up anew each time, as it may have been made anew. */
  get frame() {
    return this.page.frameLocator('iframe.webview.ready').frameLocator('iframe#active-frame');
  }

  async open() {
    await this.workbench.command('Cutover: Open Stage');
    await this.isThere();
  }

  /** The page is there, and has its score. */
  async isThere() {
    await this.frame.locator('.stage[data-ready=true]').waitFor();
    await this.frame.getByRole('slider', { name: 'Event' }).waitFor();
  }

  /** The sentence at the playhead says so. */
  async says(text) {
    await this.frame.locator('.sentence', { hasText: text }).waitFor();
  }

  /** The playhead is at this event. */
  async at(event) {
    await this.frame.locator('.bar-number', { hasText: new RegExp(`(^|\\s)${event} of \\d+$`) }).waitFor();
  }

  /** Keys of the page, with the focus in it. */
  async press(...keys) {
    await this.frame.getByRole('slider', { name: 'Event' }).focus();
    for (const key of keys) await this.page.keyboard.press(key);
  }

  button(name) {
    return this.frame.getByRole('button', { name, exact: true });
  }

  async tab(name) {
    await this.frame.getByRole('tab', { name, exact: true }).click();
  }

  /** What axe-core has against the page as it is. */
  async violations(where) {
    const inner = await this.frame.locator('body').elementHandle();
    return axeViolations(await inner.ownerFrame(), where);
  }
}
