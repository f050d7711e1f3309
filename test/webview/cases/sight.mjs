/** Everybody can use it: axe-core, contrast, the keyboard, reduced motion, narrow and wide; and pictures to look at. */
import assert from 'node:assert/strict';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { axeViolations } from '../axe.mjs';
import { themes } from '../harness.mjs';

const root = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));
const tabs = ['Row', 'Events', 'SQL', 'What if', 'Traffic'];
const states = [
  'no-plan',
  'not-rehearsed',
  'first-rehearsal',
  'running',
  'stale',
  'cancelled',
  'failed',
  'untrusted',
  'play-none',
  'play-loading',
  'play-failed',
  'invalid',
  'unproven',
  'never',
  'forked',
  'safe',
  'no-copy-back',
];

async function inEveryTheme(stage, check) {
  for (const name of Object.keys(themes)) {
    await stage.theme(name);
    await check(name);
  }
}

/** Each mark's colour against what is behind it. */
function faintMarks(least) {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = '#000';
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = ([r, g, b, a], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a), 1];
  const behind = (element) => {
    if (element === null) return rgba(getComputedStyle(document.body).backgroundColor);
    const own = rgba(getComputedStyle(element).backgroundColor);
    return own[3] === 1 ? own : over(own, behind(element.parentElement));
  };
  const luminance = (colour) => {
    const [r, g, b] = colour.map((value) => {
      const share = value / 255;
      return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (one, other) => {
    const [light, dark] = [luminance(one), luminance(other)].toSorted((a, b) => b - a);
    return (light + 0.05) / (dark + 0.05);
  };
  const marks = [...document.querySelectorAll('.mark')].filter((mark) => mark.checkVisibility());
  const measured = marks.map((mark) => {
    const ground = behind(mark.parentElement);
    const ratio = contrast(over(rgba(getComputedStyle(mark).color), ground), ground);
    return { name: mark.getAttribute('class'), in: mark.parentElement.className, ratio };
  });
  return { count: measured.length, faint: measured.filter(({ ratio }) => ratio < least) };
}

/** Goes once around with Tab, from wherever it begins; gives how many elements had the focus. */
async function reached(stage, most = 300) {
  const seen = new Set();
  for (let n = 0; n < most; n++) {
    await stage.page.keyboard.press('Tab');
    const mark = await stage.page.evaluate((n) => {
      const element = document.activeElement;
      if (element === null || element === document.body) return 'body';
      element.dataset.reached ??= String(n);
      return element.dataset.reached;
    }, n);
    if (seen.has(mark)) break;
    seen.add(mark);
  }
  return seen.size;
}

/** Controls that Tab did not reach, but for those that arrows reach from one that it did. */
function unreached() {
  const composite =
    'table, [role=grid], [role=tablist], [role=listbox], [role=menu], [role=radiogroup], .monaco-editor';
  const widgets =
    '[tabindex]:is([role=option], [role=tab], [role=menuitem], [role=gridcell], [role=rowheader], [role=row])';
  const all = document.querySelectorAll(`a[href], button, input, select, textarea, [tabindex="0"], ${widgets}`);
  return [...all]
    .filter((element) => element.checkVisibility() && !element.disabled && element.dataset.reached === undefined)
    .filter((element) => element.closest(composite)?.querySelector('[data-reached]') == null)
    .map((element) => element.outerHTML.slice(0, 160));
}

export const cases = {
  'axe finds nothing, in no tab and no theme': async (stage) => {
    await stage.open('is-null');
    await stage.page.getByRole('button', { name: 'Every way back' }).click();
    const found = [];
    for (const tab of tabs) {
      await stage.tab(tab);
      await stage.page.waitForTimeout(tab === 'SQL' || tab === 'What if' ? 1500 : 100);
      await inEveryTheme(stage, async (theme) => found.push(...(await axeViolations(stage.page, `${tab}, ${theme}`))));
    }
    assert.deepEqual(found, []);
  },
  'axe finds nothing in any state': async (stage) => {
    const found = [];
    for (const state of states) {
      await stage.open(state);
      for (const theme of ['Light Modern', 'Dark High Contrast']) {
        await stage.theme(theme);
        found.push(...(await axeViolations(stage.page, `${state}, ${theme}`)));
      }
    }
    assert.deepEqual(found, []);
  },
  'axe finds nothing in what opens over the page': async (stage) => {
    const found = [];
    await stage.open('forked');
    await stage.page.locator('.chooser-button').click();
    await inEveryTheme(stage, async (theme) => found.push(...(await axeViolations(stage.page, `chooser, ${theme}`))));
    await stage.press('Escape');
    await stage.page.getByRole('button', { name: 'Export', exact: true }).click();
    await inEveryTheme(stage, async (theme) => found.push(...(await axeViolations(stage.page, `export, ${theme}`))));
    await stage.press('Escape', '?');
    await stage.page.getByRole('dialog', { name: 'Keys' }).waitFor();
    await inEveryTheme(stage, async (theme) => found.push(...(await axeViolations(stage.page, `help, ${theme}`))));
    await stage.press('Escape');
    assert.equal(await stage.page.getByRole('dialog').count(), 0);
    assert.deepEqual(found, []);
  },
  'marks have a contrast of 3 in every theme': async (stage) => {
    for (const name of ['is-null', 'never', 'no-copy-back', 'unproven', 'stale']) {
      await stage.open(name);
      await inEveryTheme(stage, async (theme) => {
        const { count, faint } = await stage.page.evaluate(faintMarks, 3);
        assert.ok(count > 20, `${name} has ${count} marks`);
        assert.deepEqual(faint, [], `${name}, ${theme}`);
      });
    }
  },
  'Tab reaches every control, and leaves every region': async (stage) => {
    for (const tab of tabs) {
      await stage.open('is-null');
      await stage.tab(tab);
      await stage.page.waitForTimeout(tab === 'SQL' || tab === 'What if' ? 1500 : 100);
      const count = await reached(stage);
      assert.ok(count > 12, `${tab}: Tab reached ${count}`);
      assert.deepEqual(await stage.page.evaluate(unreached), [], tab);
    }
  },
  'tabs and the menu go about by arrows': async (stage) => {
    await stage.open('is-null');
    await stage.page.getByRole('tab', { name: 'Row' }).focus();
    await stage.press('ArrowRight');
    assert.equal(await stage.page.getByRole('tab', { name: 'Events' }).getAttribute('aria-selected'), 'true');
    await stage.press('ArrowLeft', 'ArrowLeft');
    assert.equal(await stage.page.getByRole('tab', { name: 'Traffic' }).getAttribute('aria-selected'), 'true');
    assert.equal(await stage.moment(), 9);
    await stage.page.getByRole('button', { name: 'Export', exact: true }).focus();
    await stage.press('Enter', 'ArrowDown');
    assert.equal(await stage.page.evaluate(() => document.activeElement?.textContent), 'Score as PNG');
    await stage.press('Escape');
    assert.equal(await stage.page.evaluate(() => document.activeElement?.textContent), 'Export');
  },
  'with reduced motion nothing moves by itself': async (stage) => {
    const moving = () =>
      stage.page.evaluate(
        () => document.getAnimations().filter((animation) => animation.playState === 'running').length,
      );
    await stage.page.emulateMedia({ reducedMotion: 'no-preference' });
    await stage.open('first-rehearsal');
    assert.ok((await moving()) > 0, 'what moves otherwise');
    await stage.page.emulateMedia({ reducedMotion: 'reduce' });
    for (const name of ['first-rehearsal', 'play-loading', 'is-null']) {
      await stage.open(name);
      await stage.nowhere();
      await stage.press('ArrowLeft');
      assert.equal(await moving(), 0, name);
    }
    await stage.page.emulateMedia({ reducedMotion: null });
  },
  'with forced colours what is chosen is still to be seen': async (stage) => {
    await stage.page.emulateMedia({ forcedColors: 'active' });
    await stage.open('is-null');
    const frame = await stage
      .cell(/^switch reads, v3 reads: broken/)
      .locator('.matrix-content')
      .evaluate((element) => getComputedStyle(element).borderTopStyle);
    assert.equal(frame, 'solid');
    await stage.page.emulateMedia({ forcedColors: 'none' });
  },
  'nothing runs out of the page, narrow or wide; the score is in the first screen': async (stage) => {
    for (const width of [450, 600, 800, 1100, 1400]) {
      await stage.open('is-null', { size: [width, 900] });
      const wider = await stage.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(wider <= 0, `${width}: ${wider} pixels wider`);
      // However narrow it is, what is broken is not scrolled away.
      const cell = await stage.page.locator('.matrix-cell.broken').boundingBox();
      const names = await stage.page.locator('tbody .matrix-step').first().boundingBox();
      assert.ok(
        cell.x >= names.x + names.width - 1 && cell.x + cell.width <= width,
        `${width}: it begins at ${cell.x}`,
      );
    }
    await stage.open('is-null', { size: [800, 900] });
    const box = await stage.page.locator('.chooser').boundingBox();
    assert.ok(box.y + box.height < 420, `the score begins below ${box.y + box.height}`);
  },
  'pictures of the lost write in six themes': async (stage) => {
    await stage.open('is-null', { size: [900, 1100] });
    await inEveryTheme(stage, async (theme) => {
      const path = join(root, 'dist/test/stage', `is-null-${theme.replaceAll(' ', '-')}.png`);
      const picture = await stage.page.screenshot({ path });
      assert.ok(picture.length > 20_000, theme);
    });
  },
};
