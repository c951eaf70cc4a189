#!/usr/bin/env node
// Every page of every role in three agencies, found by following its links: opens without an error,
// fits a narrow screen, is accessible, speaks its language, loads nothing from elsewhere, and can
// be read and used without a script.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { enter, here, isLong, openDesk, test, withCity } from './city.mjs';

const shared = withCity();
const AGENCIES = ['procuratorate', 'civil-affairs', 'youth-league'];
const ROLES = ['member', 'leader', 'manager'];
const OF_A_SHAPE = isLong ? 40 : 1; // pages that differ by a number only
const axe = fs.readFileSync(path.join(here, 'node_modules', 'axe-core', 'axe.min.js'), 'utf8');

const MACHINE_WORDS = new RegExp(['\\b(queue|broker|ack|nack|json|http|https|api|uuid|hash|token',
  'null|undefined|nan|daemon|server|timeout|csrf|payload|sql)\\b',
  '队列|哈希|令牌|报文|载荷|服务器|守护进程', '\\[object|\\{\\{|\\}\\}'].join('|'), 'gi');

function shapeOf(address) {
  const number = /\/(?:[A-Z]{2}(?:-SX)?-\d{4}-\d{4}(?:-\d\d)?|[0-9a-f]{8}-[0-9a-f-]{27})/;
  return address.replace(/\?.*$/, '').replace(/^\/attachment\/.*/, '/attachment/*')
    .replace(number, '/*');
}

// What a reader sees or hears, and what is wide.
function textOfPage() {
  const spoken = [...document.querySelectorAll('[title], [aria-label], [placeholder], [alt]')]
    .flatMap((element) => ['title', 'aria-label', 'placeholder', 'alt']
      .map((name) => element.getAttribute(name)));
  return [document.title, document.body.innerText, ...spoken].filter(Boolean).join('\n');
}

const wordsOfFrame = () => [...document.querySelectorAll(
  'nav a, button, th[scope=col], label.req, legend, .tabs a, footer span')]
  .map((element) => element.innerText.trim()).filter(Boolean);

async function judgeWidth(desk, width, where) {
  await desk.page.setViewportSize({ width, height: 900 });
  const wide = await desk.page.evaluate(() => {
    const most = document.documentElement.clientWidth;
    return document.documentElement.scrollWidth <= most ? [] :
      [...document.querySelectorAll('main *, header *, footer *')]
        .filter((element) => element.getBoundingClientRect().right > most + 1)
        .slice(-3).map((element) => element.outerHTML.slice(0, 160));
  });
  assert.deepEqual(wide, [], `${where} scrolls sideways at ${width}`);
}

// Calendars and sheets fit as they are: nothing of them is cut or out of its cell.
async function judgeTables(desk, where) {
  const cut = await desk.page.evaluate(() => [...document.querySelectorAll('.cal, .sheet table')]
    .flatMap((table) => [table.parentElement, table, ...table.querySelectorAll('th, td')])
    .filter((one) => one.getClientRects().length > 0 && one.scrollWidth > one.clientWidth + 1)
    .slice(0, 3).map((one) => one.outerHTML.slice(0, 160)));
  assert.deepEqual(cut, [], `${where}: cut off`);
}

async function judgeAccess(desk, where) {
  const session = await desk.context.newCDPSession(desk.page);
  await session.send('Runtime.evaluate', { expression: axe });
  await session.detach();
  const found = await desk.page.evaluate(() => window.axe.run(document,
    { runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa'], resultTypes: ['violations'] }));
  const told = found.violations.map((violation) => `${violation.id}: ${violation.help}: ` +
    violation.nodes.slice(0, 3).map((node) => node.html.slice(0, 200)).join(' | '));
  assert.deepEqual(told, [], `${where} is not accessible`);
}

function judgePolicy(response, where) {
  const headers = response.headers();
  const policy = headers['content-security-policy'] || '';
  assert.match(policy, /default-src 'none'/, where);
  assert.doesNotMatch(policy, /unsafe-|\*|https?:/, where);
  assert.match(policy, /frame-ancestors 'none'/, where);
  assert.match(policy, /form-action 'self'/, where);
  assert.match(policy, /base-uri 'none'/, where);
  assert.equal(headers['x-content-type-options'], 'nosniff', where);
  assert.equal(headers['cache-control'], 'no-store', where);
  assert.match(headers['referrer-policy'] || '', /no-referrer|same-origin/, where);
}

// A file is always saved and never opened as a page.
async function judgeDownload(desk, address, where) {
  const response = await desk.context.request.get(desk.url(address));
  assert.equal(response.status(), 200, where);
  assert.match(response.headers()['content-disposition'] || '', /^attachment/, where);
  return [];
}

// Follows the links from the first page; answers [address, ...], at most so many of a shape.
async function walk(desk, visit) {
  const seen = new Set();
  const shapes = new Map();
  const waiting = ['/', '/settings'];
  while (waiting.length > 0) {
    const address = waiting.shift();
    const shape = shapeOf(address);
    if (seen.has(address) || (shapes.get(shape) || 0) >= OF_A_SHAPE) { continue; }
    seen.add(address);
    shapes.set(shape, (shapes.get(shape) || 0) + 1);
    for (const link of await visit(address, shape)) { waiting.push(link); }
  }
  return seen;
}

async function linksOf(desk) {
  const all = await desk.page.$$eval('a[href]', (links) => links.filter((link) =>
    !link.hasAttribute('download')).map((link) => link.href));
  return all.map((href) => new URL(href)).filter((url) => url.origin === desk.inbox.address &&
    !url.searchParams.has('lang') && !url.searchParams.has('size'))
    .map((url) => url.pathname + url.search);
}

// One check after the other; what does not hold is noted, so that a run tells of all pages.
async function judgePage(desk, address, shape, { language, role, judged, faults }) {
  const where = `${desk.inbox.agency} ${role} ${language} ${address}`;
  const hold = async (check) => {
    try { await check(); } catch (error) {
      if (!(error instanceof assert.AssertionError)) { throw error; }
      faults.push(`${where}: ${error.message}`);
    }
  };
  if (/\.(csv|xlsx)$|^\/attachment\//.test(shape)) { return judgeDownload(desk, address, where); }
  await desk.page.setViewportSize({ width: 1280, height: 900 });
  const response = await desk.go(address);
  await hold(() => desk.calm());
  await hold(() => judgePolicy(response, where));
  if (language === 'zh') {
    const text = await desk.page.evaluate(textOfPage); // a calendar's source is an address
    await hold(() => assert.deepEqual(text.replace(/https?:\S+/g, '').match(MACHINE_WORDS), null));
  } else {
    const words = await desk.page.evaluate(wordsOfFrame);
    await hold(() => assert.deepEqual(words.filter((word) => /[\u4e00-\u9fff]/.test(word)), []));
  }
  await hold(() => judgeWidth(desk, 1280, where));
  await hold(() => judgeWidth(desk, 390, where));
  await hold(() => judgeTables(desk, where));
  // What a page looks like depends little on whose it is; in Chinese wide, in English narrow.
  const key = `${shape} ${language} ${isLong ? where : response.status()}`;
  if (!judged.has(key)) {
    judged.add(key);
    if (language === 'zh') { await hold(() => judgeWidth(desk, 1280, where)); }
    await hold(() => judgeAccess(desk, where));
  }
  return response.ok() ? linksOf(desk) : [];
}

async function judgeOfficer(inbox, role, judged) {
  const desk = await enter(inbox);
  const counts = [];
  const faults = [];
  for (const language of isLong || role !== 'leader' ? ['zh', 'en'] : ['zh']) {
    await desk.go(`/?lang=${language}`);
    const seen = await walk(desk, (address, shape) =>
      judgePage(desk, address, shape, { language, role, judged, faults }));
    counts.push(seen.size);
  }
  assert.deepEqual(faults, []);
  await desk.close();
  return counts;
}

const judged = new Set();
for (const agency of AGENCIES) {
  for (const role of ROLES) {
    test(`${agency}: every page of a ${role}`, async (context) => {
      const inbox = await shared.city.addOfficer(agency, `seen-${role}`, role);
      const counts = await judgeOfficer(inbox, role, judged);
      context.diagnostic(`${counts.join(' and ')} pages`);
      assert.ok(counts[0] >= (role === 'manager' ? 2 : 10), `only ${counts} pages were found`);
    });
  }
}

test('the login page, before anybody is logged in', async () => {
  const desk = await openDesk(shared.city.inboxes.get('procuratorate'));
  for (const language of ['zh', 'en']) {
    await desk.go(`/login?lang=${language}`);
    judgePolicy(await desk.go('/login'), '/login');
    await judgeWidth(desk, 390, '/login');
    await judgeAccess(desk, `/login ${language}`);
    await judgeWidth(desk, 1280, '/login');
  }
  await desk.close();
});

test('large letters fit a narrow screen', async () => {
  const desk = await enter(shared.city.inboxes.get('youth-league'));
  await desk.go('/?size=large');
  const of = (await linksOf(desk)).find((address) => address.startsWith('/case/'));
  for (const address of ['/', '/list/ledger', of].filter(Boolean)) {
    await desk.go(address);
    assert.equal(await desk.page.locator('html.large').count(), 1);
    await judgeWidth(desk, 390, `large ${address}`);
    await judgeWidth(desk, 1280, `large ${address}`);
  }
  await desk.go('/?size=normal');
  await desk.close();
});

test('without a script one logs in, reads a list and a case, searches and logs out', async () => {
  const desk = await enter(shared.city.inboxes.get('civil-affairs'), { javaScriptEnabled: false });
  const { page } = desk;
  await desk.go('/list/ledger');
  const all = await page.locator('table.inbox tbody tr:not(.grp)').count();
  assert.ok(all > 2, 'the ledger has rows');
  const number = (await page.locator('table.inbox .sub a').first().innerText()).trim();
  await page.fill('input[name=q]', number);
  await page.locator('form.filter button[type=submit]').first().click();
  await page.waitForLoadState('load');
  assert.ok(await page.locator('table.inbox tbody tr:not(.grp)').count() < all, 'it searched');
  const found = new URL(page.url()).pathname;
  assert.equal(found, '/list/ledger');
  await desk.go('/list/done'); // where it may not be: the way on leads to the ledger
  await page.fill('input[name=q]', '没有这样的人');
  await page.locator('form.filter button[type=submit]').first().click();
  assert.match(await page.locator('main').innerText(), /全部台账中也没有找到/);
  await page.fill('input[name=q]', number);
  await page.locator('form.filter button[type=submit]').first().click();
  await page.locator('button[formaction="/list/ledger"]').click();
  await page.waitForURL(/\/list\/ledger$/);
  assert.equal(await page.inputValue('input[name=q]'), number);
  await page.locator('table.inbox .sub a').first().click();
  await page.waitForURL(/\/case\//);
  assert.match(await page.locator('h1').innerText(), /救助案|案件/);
  await page.locator('details.reveal summary').click();
  await page.locator('#why').selectOption({ index: 1 });
  await page.locator('details.reveal button[type=submit]').click();
  await page.waitForURL(/\/case\//);
  await page.locator('[data-hide]').waitFor();
  await page.locator('form[action="/logout"] button').click();
  await page.waitForURL(/\/login/);
  await desk.close();
});
