// A demo city and its officers' browsers for the tests in this folder: starts the city, asks its
// daemons by their sockets, opens desks (one officer in one browser), and takes down everything
// that a page should not do. Waits for events and conditions, never for time.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import assert from 'node:assert/strict';
import { after, before, test as nodeTest } from 'node:test';
import { chromium } from 'playwright-core';

export const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(here, '..', '..');
const bin = process.env.REFERRAL_BIN || path.join(root, 'build', 'release', 'bin');
const logs = path.join(root, 'build', 'test-logs');
export const isLong = process.env.REFERRAL_LONG === '1';
export const WAIT_MS = 60000; // for what a loaded machine takes
const ACTION_MS = 20000; // to find and press something on a page that is there

// A number that GB 11643 takes, of somebody born on this day ("20140307").
export function identity(born) {
  const digits = `110105${born}002`;
  const weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
  const sum = weights.reduce((total, weight, i) => total + weight * Number(digits[i]), 0);
  return digits + '10X98765432'[sum % 11];
}

// --- the city ---

// One JSON line to a daemon's socket and one back.
function askSocket(file, request) {
  return new Promise((resolve, reject) => {
    const socket = net.connect(file);
    let text = '';
    socket.setEncoding('utf8').setTimeout(WAIT_MS, () => socket.destroy(new Error('no answer')));
    socket.on('connect', () => socket.write(JSON.stringify(request) + '\n'));
    socket.on('data', (piece) => {
      text += piece;
      if (text.includes('\n')) {
        socket.destroy();
        resolve(JSON.parse(text.slice(0, text.indexOf('\n'))));
      }
    });
    socket.on('error', reject);
  });
}

export class City {
  static async start() {
    const city = new City();
    const ready = process.env.REFERRAL_CITY; // what a city that runs already has printed
    const story = ready ? JSON.parse(fs.readFileSync(ready, 'utf8')) : await city.spawn();
    assert.equal(story.ok, true, JSON.stringify(story));
    city.folder = story.folder;
    city.inboxes = new Map(story.inboxes.map((inbox) =>
      [inbox.agency, { ...inbox, address: inbox.address.replace(/\/$/, '') }]));
    return city;
  }

  async spawn() {
    const child = spawn(path.join(bin, 'referralctl'), ['demo', '--day', '0', '--json'],
      { stdio: ['ignore', 'pipe', 'inherit'] });
    this.child = child;
    this.ended = new Promise((resolve) => {
      child.on('exit', (code, signal) => {
        if (!this.isStopping) { console.error(`# the city ended by itself: ${code} ${signal}`); }
        resolve(code);
      });
    });
    return new Promise((resolve, reject) => {
      let text = '';
      child.stdout.setEncoding('utf8').on('data', (piece) => {
        text += piece;
        if (text.includes('\n')) { resolve(JSON.parse(text)); }
      });
      child.on('error', reject);
      this.ended.then((code) => reject(new Error(`the city ended with ${code}: ${text}`)));
    });
  }

  async stop() {
    if (!this.child) { return; }
    this.isStopping = true;
    this.child.kill('SIGTERM');
    assert.equal(await this.ended, 0, 'the city did not end well');
  }

  socket(who) {
    return who === 'broker' ? path.join(this.folder, 'broker', 'status.sock')
      : path.join(this.folder, 'agents', who, 'agent.sock');
  }

  async ask(who, request) {
    return askSocket(this.socket(who), request);
  }

  async must(who, request) {
    const answer = await this.ask(who, request);
    assert.equal(answer.ok, true, `${who} ${JSON.stringify(request)}: ${JSON.stringify(answer)}`);
    return answer;
  }

  // An officer of these roles besides the one that every agency of the demo has.
  async addOfficer(agency, name, roles) {
    const inbox = this.inboxes.get(agency);
    const answer = await this.must(agency, { cmd: 'officer-add', name, shown: `测试${name}`, roles,
      keep: true });
    return { ...inbox, name, password: answer.password };
  }

  // Asks again at each event of that agent, until the condition holds; answers what it found.
  async until(agency, request, condition, what) {
    const watch = net.connect(this.socket(agency));
    let wake = () => {};
    let isOver = false;
    const limit = setTimeout(() => { isOver = true; wake(); }, WAIT_MS);
    let events = 0;
    watch.on('connect', () => watch.write('{"cmd":"watch"}\n'));
    watch.on('data', () => { events++; wake(); });
    watch.on('error', () => { isOver = true; wake(); });
    try {
      for (;;) {
        const seen = events;
        const found = condition(await this.ask(agency, request));
        if (found) { return found; }
        assert.ok(!isOver, `waited in vain: ${what || JSON.stringify(request)} of ${agency}`);
        if (events === seen) { await new Promise((resolve) => { wake = resolve; }); }
      }
    } finally {
      clearTimeout(limit);
      watch.destroy();
    }
  }

  // Has this agency received or sent such a row?
  async row(agency, box, fits, what) {
    return this.until(agency, { cmd: box, count: 500 },
      (answer) => (answer.rows || []).find(fits), what);
  }

  // The city's date, or one so many days later.
  async today(later = 0) {
    const { wall_ms: now } = (await this.must('broker', { cmd: 'clock-show' })).clock;
    return new Date(now + (8 + 24 * later) * 3600000).toISOString().slice(0, 10);
  }

  // The city's clock goes on to a civil instant, "2027-05-10 09:00".
  async clock(civil) {
    const now = (await this.must('broker', { cmd: 'clock-show' })).clock;
    const wanted = Date.parse(civil.replace(' ', 'T') + ':01+08:00');
    assert.ok(wanted > now.wall_ms, 'the clock goes forward only');
    const config = fs.readFileSync(path.join(this.folder, 'broker', 'broker.yaml'), 'utf8');
    const behind = Number(/laboratory-behind-ms: *(\d+)/.exec(config)[1]);
    const offset = wanted - (Date.now() - behind);
    await this.must('broker', { cmd: 'lab-clock', both_ms: offset });
  }
}

// --- desks ---

// What a browser complains of and what a page should not do, by the page's own events.
const HARMLESS = [/Failed to load resource: the server responded with a status of (\d+)/];

export class Desk {
  constructor(inbox, context, page) {
    Object.assign(this, { inbox, context, page, problems: [], allowed: new Set() });
    context.on('request', (request) => this.judgeAddress(request.url()));
    context.on('requestfailed', (request) => this.judgeFailure(request));
    context.on('response', (response) => this.judgeAnswer(response));
    context.on('page', (opened) => this.listen(opened));
    this.listen(page);
  }

  listen(page) {
    page.on('console', (message) => this.judgeConsole(message));
    page.on('pageerror', (error) => this.problems.push(`script: ${error}`));
  }

  judgeAddress(url) {
    if (!url.startsWith(this.inbox.address + '/') && !url.startsWith('data:') &&
        !url.startsWith('blob:')) {
      this.problems.push(`loaded from elsewhere: ${url}`);
    }
  }

  // A page that is left takes its polls and downloads along.
  judgeFailure(request) {
    const why = request.failure()?.errorText || '';
    if (why !== 'net::ERR_ABORTED') { this.problems.push(`${why}: ${request.url()}`); }
  }

  judgeAnswer(response) {
    if (response.status() >= 400 && !this.allowed.has(response.status())) {
      this.problems.push(`${response.status()}: ${response.request().method()} ${response.url()}`);
    }
  }

  judgeConsole(message) {
    const about = HARMLESS[0].exec(message.text());
    if (['error', 'warning'].includes(message.type()) && !about) {
      this.problems.push(`console: ${message.text()}`);
    }
  }

  url(address) { return this.inbox.address + address; }

  async go(address) { return this.page.goto(this.url(address)); }

  // What was noted so far; forgets it.
  takeProblems() {
    const noted = this.problems;
    this.problems = [];
    return noted;
  }

  calm() { assert.deepEqual(this.takeProblems(), [], `at ${this.page.url()}`); }

  async login(inbox = this.inbox) {
    await this.go('/login');
    await this.page.fill('#name', inbox.name);
    await this.page.fill('#password', inbox.password);
    await this.page.click('main button[type=submit]');
    await this.page.waitForURL((url) => url.pathname !== '/login');
  }

  // A form's values by the names of its controls: a text, a choice, true, or a list of choices,
  // which are then the only ones.
  async fill(values) {
    for (const [name, value] of Object.entries(values)) {
      if (Array.isArray(value)) {
        await this.choose(name, value);
      } else {
        await this.put(name, value);
      }
    }
  }

  async choose(name, values) {
    const boxes = this.page.locator(`#form [name="${name}"]`);
    for (const box of await boxes.all()) {
      await box.setChecked(values.includes(await box.getAttribute('value')));
    }
  }

  async put(name, value) {
    const controls = this.page.locator(`#form [name="${name}"]`);
    const first = controls.first();
    const fold = first.locator('xpath=ancestor::details[not(@open)]');
    if (await fold.count() > 0) { await fold.first().locator('summary').click(); }
    const kind = await first.evaluate((control) => control.type || control.tagName);
    if (kind === 'radio' || kind === 'checkbox') {
      const box = value === true ? first : controls.and(this.page.locator(`[value="${value}"]`))
        .first();
      const label = this.page.locator(`.outcomes > label[for="${await box.getAttribute('id')}"]`);
      // A choice drawn as a card has its control out of sight, and the label takes the click.
      if (await label.count() > 0) { await label.click(); } else { await box.check(); }
    } else if (kind === 'select-one') {
      await first.selectOption(value);
    } else {
      await first.fill(value);
    }
  }

  // Presses the form's own button and waits for the page that follows.
  async submit() {
    const answered = this.page.waitForResponse((response) =>
      response.request().method() === 'POST' && !response.url().endsWith('/draft'));
    await this.page.click('#form .submit button.main');
    const response = await answered;
    await this.page.waitForLoadState('load');
    return response.status();
  }

  async close() { await this.context.close(); desks.delete(this); }
}

const desks = new Set();
let browser;

export async function openBrowser() {
  const args = ['--disable-dev-shm-usage', '--disable-gpu', '--font-render-hinting=none'];
  if (process.getuid() === 0) { args.push('--no-sandbox'); }
  browser = await chromium.launch({ args,
    executablePath: process.env.REFERRAL_CHROMIUM || '/usr/bin/chromium' });
  return browser;
}

export async function openDesk(inbox, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 },
    locale: 'zh-CN', timezoneId: 'Asia/Shanghai', ...options });
  context.setDefaultTimeout(ACTION_MS);
  context.setDefaultNavigationTimeout(WAIT_MS);
  const desk = new Desk(inbox, context, await context.newPage());
  desks.add(desk);
  return desk;
}

export async function enter(inbox, options) {
  const desk = await openDesk(inbox, options);
  await desk.login();
  return desk;
}

// --- suites ---

let hasFailed = false;
const suite = path.basename(process.argv[1] || 'suite', '.mjs');

async function photograph(name) {
  fs.mkdirSync(logs, { recursive: true });
  let count = 0;
  for (const desk of desks) {
    const file = path.join(logs, `browser-${suite}-${name.replace(/[^\w]+/g, '-')}-${count++}.png`);
    try {
      await desk.page.screenshot({ path: file, fullPage: true, timeout: 10000 });
      console.error(`# ${desk.page.url()} is pictured in ${path.relative(root, file)}`);
    } catch (error) {
      console.error(`# no picture of ${desk.page.url()}: ${error.message}`);
    }
  }
}

// A test whose desks are pictured when it fails, and that fails when a page misbehaved meanwhile.
// Its desks are closed at its end but those that are kept (`desk.isKept`). A step of a story
// (`inOrder`) is left out when an earlier one has failed.
export function test(name, body, options = {}) {
  nodeTest(name, async (context) => {
    if (options.inOrder && hasFailed) {
      context.skip('an earlier step failed');
      return;
    }
    try {
      await body(context);
      for (const desk of desks) { desk.calm(); }
    } catch (error) {
      hasFailed = true;
      await photograph(name);
      throw error;
    } finally {
      for (const desk of desks) { desk.takeProblems(); }
      await Promise.all([...desks].filter((desk) => !desk.isKept).map((desk) => desk.close()));
    }
  });
}

// One city for the tests of a file; with `browsers`, a browser, too.
export function withCity({ browsers = true } = {}) {
  const shared = {};
  before(async () => {
    const started = [City.start()];
    if (browsers) { started.push(openBrowser()); }
    [shared.city] = await Promise.all(started);
  });
  after(async () => {
    if (browser) { await browser.close(); }
    if (shared.city) { await shared.city.stop(); }
  });
  return shared;
}
