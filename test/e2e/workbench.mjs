/** VS Code's window as somebody sees it: what is done by keys and pointer, and what is read by role and label. */

const timeout = 60_000;

export class Workbench {
  constructor(page) {
    this.page = page;
    page.setDefaultTimeout(timeout);
  }

  async open(file) {
    const { page } = this;
    await page.locator('.monaco-workbench').waitFor();
    await page.keyboard.press('Control+P');
    const input = page.locator('.quick-input-widget input[type=text]');
    await input.fill(file);
    await page.locator('.quick-input-list .monaco-list-row', { hasText: file }).first().waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('tab', { name: new RegExp(`^${file}`), selected: true }).waitFor();
  }

  async command(title) {
    const { page } = this;
    await page.keyboard.press('F1');
    await page.locator('.quick-input-widget input[type=text]').fill(`>${title}`);
    // Others hold the same words, and keys are said after the title.
    await page.getByRole('option', { name: new RegExp(`^${title}(?:,|$)`) }).click();
  }

  squiggle(severity) {
    return this.page.locator(`.view-overlays .squiggly-${severity}`).first().waitFor({ state: 'attached' });
  }

  noSquiggle(severity) {
    return this.page.locator(`.view-overlays .squiggly-${severity}`).first().waitFor({ state: 'detached' });
  }

  /** The status bar says this of the plan. */
  async status(text) {
    await this.page
      .locator('.statusbar-item[id="cutover.cutover.cutover.verdict"]', { hasText: labelled(text) })
      .waitFor();
  }

  /** Everything that the Problems view says, with its details opened. */
  async problems() {
    const { page } = this;
    await this.command('Problems: Focus on Problems View');
    const tree = page.locator('.markers-panel').getByRole('tree');
    await tree.getByRole('treeitem').first().waitFor();
    return tree.innerText();
  }

  /** By the label that the picker shows. */
  async theme(label) {
    const { page } = this;
    await this.command('Preferences: Color Theme');
    await page.locator('.quick-input-widget input[placeholder*="Theme"]').fill(label);
    await page.locator('.quick-input-list .monaco-list-row.focused', { hasText: label }).waitFor();
    await page.keyboard.press('Enter');
    const isDark = label.includes('Dark');
    const isContrast = label.includes('Contrast');
    const kind = isContrast ? (isDark ? 'hc-black' : 'hc-light') : isDark ? 'vs-dark' : 'vs';
    await page.locator(`.monaco-workbench.${kind}`).waitFor();
    await page.locator('.quick-input-widget').waitFor({ state: 'hidden' });
  }

  async typeAtStart(text) {
    const { page } = this;
    await page.locator('.editor-instance .view-lines').first().click();
    await page.keyboard.press('Control+Home');
    await page.keyboard.type(text);
  }

  async outputShows(text) {
    await this.page.locator('.panel .view-lines', { hasText: text.replaceAll(' ', '\u00A0') }).waitFor();
  }

  /** The Test Explorer counts so many as passed, and says of one what it failed with. */
  async testResults(passed, failure) {
    await this.command('Testing: Focus on Test Explorer View');
    await this.page.getByText(passed, { exact: true }).first().waitFor();
    await this.page.locator('.panel').getByText(failure).first().waitFor();
  }

  /** The one with this title, from the menu of the light bulb at the cursor. */
  async quickFix(title) {
    const { page } = this;
    // The editor asks for the light bulb a moment after the cursor has moved, and forgets what was asked before.
    await page.locator('.lightBulbWidget').first().waitFor();
    await page.keyboard.press('Control+.');
    const menu = page.locator('.action-widget').first();
    await menu.getByText(title, { exact: true }).click();
    await menu.waitFor({ state: 'hidden' });
  }

  /** A button of the debugger's toolbar: `step-over`, `step-back`, `stop`. */
  async debugTool(name) {
    await this.page.locator(`.debug-toolbar .codicon-debug-${name}`).first().click();
  }

  /** The editor shows that the debugger stands in this line; of null, that there is no session any more. */
  async stoppedAt(line) {
    const { page } = this;
    if (line === null) return page.locator('.debug-toolbar').waitFor({ state: 'hidden' });
    await page.getByText(`Ln ${line},`).first().waitFor();
    await page.locator('.debug-top-stack-frame-line').first().waitFor();
  }

  /** An extension has marked this whole line of the editor. */
  marked(line) {
    return this.decorated(line, '[class*="ced-"]');
  }

  /** The debugger stands in this line, whoever has the focus. */
  standsIn(line) {
    return this.decorated(line, '.debug-top-stack-frame-line');
  }

  async decorated(line, decoration) {
    await this.page.waitForFunction(
      ([wanted, selector]) => {
        const top = (element) => Math.round(element.getBoundingClientRect().top);
        const numbers = [...document.querySelectorAll('.margin-view-overlays .line-numbers')];
        const at = numbers.filter((each) => each.textContent === String(wanted)).map(top);
        return [...document.querySelectorAll(`.view-overlays ${selector}`)].some((mark) => at.includes(top(mark)));
      },
      [line, decoration],
    );
  }

  /** The editor says that it is restricted. */
  async restrictedMode() {
    await this.page
      .getByRole('button', { name: /Restricted Mode/ })
      .first()
      .waitFor();
  }

  /** To where its text begins: on white space the editor shows no light bulb. */
  async goToLine(line) {
    const { page } = this;
    await page.keyboard.press('Control+G');
    const input = page.locator('.quick-input-widget input[type=text]');
    await input.fill(`:${line}`);
    await page.keyboard.press('Enter');
    // A key that comes before the editor has the focus again is lost.
    await input.waitFor({ state: 'hidden' });
    await page.locator('.editor-group-container .monaco-editor.focused').first().waitFor();
    await page.keyboard.press('Home');
    await page
      .getByText(new RegExp(`Ln ${line}, Col (?!1$)`))
      .first()
      .waitFor();
  }
}

/** `Cutover: unsafe` of /^unsafe$/. */
function labelled(pattern) {
  return new RegExp(pattern.source.replace(/^\^/, 'Cutover: '), pattern.flags);
}
