#!/usr/bin/env node
// The forms: whatever mandatory is missing brings the form back as it was typed, says so at the
// field and sends nothing; what is typed is text and never code; a form is sent once; a draft
// outlives its session; and everything can be done with the keyboard.
import assert from 'node:assert/strict';
import { enter, identity, isLong, openDesk, test, WAIT_MS, withCity } from './city.mjs';

const shared = withCity();
const P = 'procuratorate';

// --- which forms there are ---

// Addresses of forms that these pages link to, one of a kind (in the long form: every one).
async function formsOf(desk) {
  const found = new Map();
  const read = async (address) => {
    const response = await desk.go(address);
    if (!response.ok()) { return []; }
    return desk.page.$$eval('a[href]', (links) => links.map((link) => link.getAttribute('href')));
  };
  const pages = ['/', '/list/ledger', '/meetings'];
  const seen = new Set();
  let left = isLong ? 400 : 14;
  while (pages.length > 0 && left-- > 0) {
    const address = pages.shift();
    if (seen.has(address)) { continue; }
    seen.add(address);
    for (const href of await read(address)) {
      const kind = /^\/send\/([a-z-]+)/.exec(href)?.[1] || (href === '/refer' ? 'refer' : null);
      if (kind && !found.has(isLong ? href : kind)) { found.set(isLong ? href : kind, href); }
      if (/^\/(case|matter)\//.test(href) && !href.includes('#')) { pages.push(href); }
    }
  }
  return [...found.values()];
}

async function sentCount(agency) {
  return (await shared.city.must(agency, { cmd: 'outbox', count: 500 })).rows.length;
}

// --- in the page ---

// Fills what is empty and visible with something of its kind; answers the mandatory names.
function fillAll() {
  const form = document.getElementById('form');
  const isShown = (element) => element.getClientRects().length > 0;
  const names = new Set();
  for (const control of form.querySelectorAll('input, select, textarea')) {
    const label = control.labels && control.labels[0];
    if (!control.name || control.type === 'hidden' || !(isShown(control) ||
        (label && isShown(label)))) { continue; }
    const group = control.closest('fieldset');
    const needed = control.getAttribute('aria-required') === 'true' ||
      (['radio', 'checkbox'].includes(control.type) && group && group.id &&
       group.querySelector('legend.req') && group.contains(control));
    if (needed) { names.add(control.name); }
    if (control.closest('.outcomes') && control.name === 'facts.outcome') { continue; }
    if (control.type === 'radio' || (control.type === 'checkbox' && needed)) {
      if (!form.querySelector(`[name="${control.name}"]:checked`)) { control.checked = true; }
    } else if (control.tagName === 'SELECT') {
      if (!control.value && control.options.length > 1 && needed) { control.selectedIndex = 1; }
    } else if (control.type === 'date' && needed && !control.value) {
      control.value = '2027-07-01';
    } else if (control.type === 'datetime-local' && needed && !control.value) {
      control.value = '2027-07-01T09:00';
    } else if (['text', 'tel', 'number', 'search'].includes(control.type) && !control.value &&
        needed) {
      control.value = control.hasAttribute('data-identity') ? '' : /fen|count|number|edition/
        .test(control.name) ? '1' : '甲';
    } else if (control.tagName === 'TEXTAREA' && !control.value) {
      control.value = '写在这里的一句话。';
    }
  }
  return [...names];
}

// Posts the form without one field; answers what is wrong with the page that comes back.
async function postWithout(missing) {
  const form = document.getElementById('form');
  const body = new URLSearchParams();
  new FormData(form).forEach((value, name) => {
    if (name !== missing && typeof value === 'string') { body.append(name, value); }
  });
  const control = form.elements.namedItem(missing);
  const isText = control && control.type && !['radio', 'checkbox'].includes(control.type);
  if (isText) { body.append(missing, ''); }
  const answer = await fetch(form.action, { method: 'POST', body });
  const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
  const wrong = [];
  const named = (name) => [...page.querySelectorAll('#form [name]')]
    .filter((element) => element.name === name);
  const invalid = [...page.querySelectorAll('[aria-invalid="true"]')];
  const about = invalid.find((element) => element.name === missing ||
    [...element.querySelectorAll('[name]')].some((inner) => inner.name === missing));
  if (answer.status !== 422) { wrong.push(`status ${answer.status}`); }
  const loose = { 'facts.needs': 'e-facts-needs', recipients: 'e-recipients' }[missing];
  if (!about && !(loose && page.getElementById(loose))) {
    wrong.push('the field is not marked');
  } else if (about) {
    const reason = page.getElementById(`e-${about.id}`);
    if (!reason || reason.textContent.trim() === '') { wrong.push('no reason beside it'); }
    if (!(about.getAttribute('aria-describedby') || '').split(' ').includes(`e-${about.id}`)) {
      wrong.push('the reason is not tied to the field');
    }
  }
  const focused = [...page.querySelectorAll('[autofocus]')];
  if (focused.length !== 1) { wrong.push(`${focused.length} fields have the focus`); }
  const needs = page.querySelector('#e-facts-needs, #e-recipients') ? '#recipients, ' : '';
  const first = page.querySelector(`${needs}[aria-invalid="true"]`);
  if (first && focused[0] && first !== focused[0] && !first.contains(focused[0])) {
    wrong.push(`not the first one has the focus: ${focused[0].name || focused[0].id}`);
  }
  if (!page.querySelector('#faults[role=alert] li')) { wrong.push('no summary on top'); }
  for (const [name, value] of body) {
    if (value === '' || ['csrf', 'once'].includes(name)) { continue; }
    const kept = named(name).some((element) => (['checkbox', 'radio'].includes(element.type)
      ? element.hasAttribute('checked') && element.getAttribute('value') === value
      : element.tagName === 'SELECT'
        ? [...element.options].some((one) => one.hasAttribute('selected') && one.value === value)
        : element.tagName === 'TEXTAREA' ? element.textContent.replace(/^\n/, '') === value
          : element.getAttribute('value') === value));
    if (!kept) { wrong.push(`${name} was not kept: ${value.slice(0, 40)}`); }
  }
  return wrong;
}

// Controls that lie on one another; answers their names.
function overlapping() {
  const all = '#form input, #form select, #form button, #form textarea';
  const shown = [...document.querySelectorAll(all)].filter((one) =>
    one.getClientRects().length > 0 && !one.matches('.sr, details:not([open]) *') &&
    getComputedStyle(one).opacity !== '0');
  const boxes = shown.map((one) => one.getBoundingClientRect());
  return shown.flatMap((one, i) => shown.slice(i + 1).filter((other, k) => {
    const [a, b] = [boxes[i], boxes[i + 1 + k]];
    return Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 &&
      Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1;
  }).map((other) => `${one.name || one.value} on ${other.name || other.value}`)).slice(0, 3);
}

async function judgeForm(desk, address, faults) {
  const { page } = desk;
  let count = 0;
  const response = await desk.go(address);
  if (!response.ok()) {
    faults.push(`${desk.inbox.agency} ${address}: does not open: ${response.status()}`);
    return 0;
  }
  const outcomes = await page.$$eval('.outcomes > input', (inputs) => inputs.map((one) => one.id));
  for (const outcome of outcomes.length > 0 ? outcomes : [null]) {
    if (outcome) {
      await desk.go(address);
      await page.click(`label[for="${outcome}"]`);
    }
    for (const overlap of await page.evaluate(overlapping)) {
      faults.push(`${desk.inbox.agency} ${address} ${outcome || ''}: ${overlap}`);
    }
    for (const name of await page.evaluate(fillAll)) {
      for (const wrong of await page.evaluate(postWithout, name)) {
        faults.push(`${desk.inbox.agency} ${address} ${outcome || ''} without ${name}: ${wrong}`);
      }
      count++;
    }
  }
  return count;
}

test('a form without a mandatory field comes back as typed, says so at the field, and is not sent',
  async (context) => {
    const faults = [];
    let count = 0;
    const kinds = new Set();
    for (const agency of [P, 'civil-affairs', 'youth-league', 'education']) {
      const desk = await enter(shared.city.inboxes.get(agency));
      [422, 404].forEach((status) => desk.allowed.add(status));
      const before = await sentCount(agency);
      for (const address of await formsOf(desk)) {
        const kind = /^\/(send\/[a-z-]+|refer)/.exec(address)[1] + (agency === P);
        if (kinds.has(kind) && !isLong) { continue; }
        kinds.add(kind);
        count += await judgeForm(desk, address, faults);
      }
      assert.equal(await sentCount(agency), before, 'nothing was sent');
      await desk.close();
    }
    context.diagnostic(`${kinds.size} forms, ${count} fields`);
    assert.deepEqual(faults, []);
    assert.ok(kinds.size > 8, `only ${[...kinds]} were found`);
  });

test('what was at fault and is put right is red no more', async () => {
  const desk = await enter(shared.city.inboxes.get(P));
  const { page } = desk;
  desk.allowed.add(422);
  await desk.go('/refer');
  const right = identity('20140307');
  await desk.fill({
    'body.persons[0].identity_number': right.slice(0, 17) + (right[17] === '1' ? '2' : '1') });
  assert.equal(await desk.submit(), 422);
  const number = page.locator('[name="body.persons[0].identity_number"]');
  assert.equal(await number.getAttribute('aria-invalid'), 'true');
  assert.ok(await page.locator('.toc b').count() >= 3, 'the parts say how much is at fault');
  await number.fill(right);
  assert.equal(await number.getAttribute('aria-invalid'), null);
  assert.ok(await page.locator('#e-body-persons-0-identity_number').isHidden());
  await desk.fill({ 'facts.ground': 'art-4-1', 'body.reasons': '理由',
    'facts.needs': ['legal-aid'] });
  assert.equal(await page.locator('#facts-ground').getAttribute('aria-invalid'), null);
  await page.locator('#e-recipients').waitFor({ state: 'hidden' }); // its agency was ticked along
  assert.equal(await page.locator('#faults li.fixed').count(), 3);
  desk.takeProblems();
  await desk.close();
});

test('in the browser, too, the first field at fault has the focus', async () => {
  const desk = await enter(shared.city.inboxes.get(P));
  desk.allowed.add(422);
  await desk.go('/refer');
  assert.equal(await desk.submit(), 422);
  const first = desk.page.locator('[aria-invalid=true]').first();
  await first.waitFor();
  assert.ok(await first.evaluate((element) => element === document.activeElement ||
    element.contains(document.activeElement)), 'the first field has the focus');
  await desk.page.locator('#faults a').first().click();
  await desk.close();
});

// --- what is typed is text ---

const HOSTILE = ['<script>window.pwned=1</script>', '"><img src=x onerror=window.pwned=1>',
  '{{name}} {{{csrf}}}', 'javascript:window.pwned=1', "' onfocus=window.pwned=1 autofocus '",
  '</textarea><svg onload=window.pwned=1>', '&lt;b&gt; &amp;', '=1+1'].join(' ');

async function judgeHarmless(desk, where, wanted = true) {
  const found = await desk.page.evaluate(() => ({ ran: window.pwned === 1,
    images: document.images.length,
    scripts: [...document.scripts].filter((one) => !one.src).length,
    svg: document.querySelectorAll('svg[onload]').length,
    handlers: document.querySelectorAll('[onerror], [onfocus], [onload]').length }));
  assert.deepEqual(found, { ran: false, images: 0, scripts: 0, svg: 0, handlers: 0 }, where);
  if (wanted) {
    const text = await desk.page.evaluate(() => document.body.innerText +
      [...document.querySelectorAll('textarea, input')].map((one) => one.value).join('\n'));
    assert.ok(text.includes('<script>window.pwned=1</script>'), `${where} shows it as text`);
    assert.ok(text.includes('{{name}} {{{csrf}}}'), `${where} does not read it as a template`);
  }
}

const REFERRAL = {
  'body.persons[0].relation': 'self', 'body.persons[0].may_be_told': 'yes',
  'body.persons[0].identity_number': identity('19900307'), 'facts.ground': 'art-4-1',
  'facts.lead_channel': 'own-department', 'body.circumstances': HOSTILE, 'body.reasons': HOSTILE,
  'facts.needs': ['temporary-aid'], recipients: ['civil-affairs'],
  ...Object.fromEntries([0, 1, 2, 3, 4].map((row) =>
    [`facts.materials[${row}].missing`, 'not-issued-yet'])),
};

test('markup, templates and addresses that are typed are shown as text, everywhere', async () => {
  const { city } = shared;
  const [desk, other] = [await enter(city.inboxes.get(P)),
    await enter(city.inboxes.get('civil-affairs'))];
  desk.allowed.add(422);
  await desk.go('/refer');
  await desk.page.evaluate((hostile) => {
    for (const control of document.querySelectorAll('#form textarea, #form input')) {
      if (!['radio', 'checkbox', 'hidden', 'date', 'datetime-local', 'submit', 'file']
        .includes(control.type)) { control.value = hostile; }
    }
  }, HOSTILE);
  assert.equal(await desk.submit(), 422);
  await judgeHarmless(desk, 'the form that came back');
  await desk.go('/refer');
  await desk.fill({ ...REFERRAL, 'body.persons[0].name': HOSTILE.slice(0, 60) });
  assert.equal(await desk.submit(), 303, await desk.page.locator('main').innerText());
  const sent = (await city.must(P, { cmd: 'outbox', count: 500 })).rows.pop();
  await city.row('civil-affairs', 'inbox', (row) => row.id === sent.id);
  for (const [one, address, whole] of [[desk, `/case/${sent.referral}`, true],
    [other, `/case/${sent.referral}`, true], [other, '/', false], [desk, '/list/ledger', false],
    [other, `/send/feedback/${sent.referral}`, false], [other, `/message/${sent.id}`, true],
    [desk, `/letter/${sent.id}`, false]]) {
    const response = await one.go(address);
    assert.equal(response.status(), 200, address);
    await judgeHarmless(one, `${one.inbox.agency} ${address}`, whole);
  }
  await other.go(`/send/information-request/${sent.referral}`);
  await other.fill({ 'facts.asked': ['income'], 'body.text': HOSTILE });
  assert.equal(await other.submit(), 303);
  await judgeHarmless(other, 'a matter', false);
  for (const one of [desk, other]) { await one.close(); }
});

// --- files ---

test('an upload is cancelled; a lost last answer sends nothing again; a file goes with any form',
  async () => {
    const { city } = shared;
    const desk = await enter(city.inboxes.get(P));
    const { page } = desk;
    const buffer = Buffer.concat([Buffer.from('%PDF-1.7\n'), Buffer.alloc(900000, 'file ')]);
    const chosen = (name) => ({ name, mimeType: 'application/pdf', buffer });
    const pieces = [];
    let mode = 'stall';
    await desk.go('/refer');
    await desk.fill({ ...REFERRAL, 'body.persons[0].name': '附件' });
    assert.equal(await desk.submit(), 303);
    const { referral } = (await city.must(P, { cmd: 'outbox', count: 500 })).rows.pop();
    await desk.go(`/send/withdrawal/${referral}`);
    await page.route(/\/attach\?.*offset=/, async (route) => {
      const offset = Number(new URL(route.request().url()).searchParams.get('offset'));
      if (mode === 'stall') { return; } // never answered
      pieces.push(offset);
      const answer = await route.fetch();
      if (mode === 'lose' && (await answer.json()).complete) {
        await route.abort('connectionreset'); // it came, and its answer is lost
      } else {
        await route.fulfill({ response: answer });
      }
    });
    await page.setInputFiles('#facts-attachments-0-digest', chosen('a.pdf'));
    await page.locator('button[data-cancel]').click();
    await page.locator('#facts-attachments-0-digest').waitFor({ state: 'visible' });
    mode = 'lose';
    await page.setInputFiles('#facts-attachments-0-digest', chosen('b.pdf'));
    await page.locator('[data-given]:not([hidden])', { hasText: 'b.pdf' }).waitFor();
    assert.deepEqual(pieces, [0, 512 * 1024], 'each piece once');
    assert.deepEqual(desk.takeProblems().filter((one) => !/ERR_CONNECTION_RESET/.test(one)), []);
    mode = 'take';
    await page.locator('button[data-add="facts.attachments"]').click();
    await page.setInputFiles('#facts-attachments-1-digest', chosen('c.pdf'));
    await page.locator('[data-given]:not([hidden])', { hasText: 'c.pdf' }).waitFor();
    await desk.fill({ 'facts.reason': 'duplicate' });
    assert.equal(await desk.submit(), 303, await page.locator('main').innerText());
    const sent = (await city.must(P, { cmd: 'outbox', count: 500 })).rows.pop();
    const files = (await city.must(P, { cmd: 'attachments', id: sent.id })).attachments;
    assert.deepEqual(files.map((one) => one.name), ['b.pdf', 'c.pdf']);
    await desk.close();
  });

// --- once ---

test('a form that is sent twice is sent once', async () => {
  const { city } = shared;
  const desk = await enter(city.inboxes.get(P));
  const before = await sentCount(P);
  await desk.go('/refer');
  await desk.fill({ ...REFERRAL, 'body.persons[0].name': '一次' });
  const places = await desk.page.evaluate(async () => {
    const form = document.getElementById('form');
    const body = new URLSearchParams(new FormData(form));
    const answers = await Promise.all([1, 2, 3].map(() =>
      fetch(form.action, { method: 'POST', body })));
    return answers.map((answer) => new URL(answer.url).pathname);
  });
  assert.equal(new Set(places).size, 1, `all lead to one case: ${places}`);
  assert.match(places[0], /^\/case\//);
  assert.equal(await sentCount(P), before + 1);
  // And once more by going back and pressing again.
  await desk.page.locator('#form .submit button.main').dblclick({ noWaitAfter: true });
  await desk.page.waitForURL(/\/case\//);
  assert.equal(await sentCount(P), before + 1);
  await desk.close();
});

test('without a script a household of two is filed, row by row', async () => {
  const desk = await enter(shared.city.inboxes.get('womens-federation'),
    { javaScriptEnabled: false });
  const { page } = desk;
  await desk.go('/refer');
  await desk.fill({ 'body.persons[0].name': '阿甲', 'body.persons[0].relation': 'self',
    'body.persons[0].may_be_told': 'yes', 'facts.ground': 'art-4-1',
    'facts.lead_channel': 'member-agency', 'facts.relation': 'self', 'facts.told': 'told',
    'body.circumstances': '被害后生活困难。', 'body.reasons': '符合司法救助条件。' });
  await page.click('button[value="add:body.persons"]');
  await page.locator('[name="body.persons[1].name"]').waitFor();
  assert.equal(await page.inputValue('[name="body.persons[0].name"]'), '阿甲');
  await desk.fill({ 'body.persons[1].name': '小乙', 'body.persons[1].relation': 'child',
    'body.persons[1].may_be_told': 'yes' });
  assert.equal(await desk.submit(), 303, await page.locator('main').innerText());
  assert.match(await page.locator('#persons').innerText(), /阿甲[^]*小乙/);
  await desk.close();
});

test('the page follows what was sent, without being loaded anew', async () => {
  const desk = await enter(shared.city.inboxes.get(P));
  const { page } = desk;
  const waits = '<div class="note" id="waits" data-follow="0"></div>'; // as while a receipt is due
  let pages = 0;
  await page.route('**/list/ledger', async (route) => {
    const answer = await route.fetch();
    const body = (await answer.text()).replace(/<main id="main">/, (main) =>
      main + (pages++ === 0 ? waits : ''));
    await route.fulfill({ response: answer, body });
  });
  await desk.go('/list/ledger');
  await page.evaluate(() => { window.stayed = true; });
  await page.locator('#waits').waitFor({ state: 'detached', timeout: WAIT_MS });
  assert.equal(await page.evaluate(() => window.stayed), true);
  assert.ok(await page.locator('table.inbox tbody tr').count() > 2);
  await desk.close();
});

// --- drafts ---

test('a draft is saved by itself, outlives its session, and is for its officer alone', async () => {
  const { city } = shared;
  const inbox = await city.addOfficer('education', 'drafts', 'member');
  const desk = await enter(inbox);
  await desk.go('/refer');
  const saved = desk.page.waitForResponse((response) => response.url().endsWith('/draft'));
  await desk.fill({ 'body.circumstances': '写了一半' });
  assert.equal((await saved).status(), 200);
  await desk.page.locator('#saved').filter({ hasText: '草稿已自动保存' }).waitFor();
  await desk.context.clearCookies();
  const again = await enter(inbox);
  await again.go('/drafts');
  assert.match(await again.page.locator('main').innerText(), /移送/);
  await again.go('/refer');
  assert.equal(await again.page.inputValue('[name="body.circumstances"]'), '写了一半');
  await again.page.locator('button[value=draft]').click();
  await again.page.waitForURL(/\/refer$/);
  const colleague = await enter(city.inboxes.get('education'));
  await colleague.go('/refer');
  assert.equal(await colleague.page.inputValue('[name="body.circumstances"]'), '');
  await again.page.locator('form[action="/draft/discard"] button').click();
  await again.page.waitForURL(/\/refer$/);
  assert.equal(await again.page.inputValue('[name="body.circumstances"]'), '');
  desk.takeProblems(); // its session was taken away
});

// --- the keyboard ---

// Presses Tab until this has the focus.
async function tabTo(page, selector) {
  for (let i = 0; i < 200; i++) {
    if (await page.evaluate((wanted) => document.activeElement?.matches(wanted), selector)) {
      return;
    }
    await page.keyboard.press('Tab');
  }
  assert.fail(`${selector} cannot be reached by Tab at ${page.url()}`);
}

test('with the keyboard alone: log in, open what waits, fill its form and send it', async () => {
  const { city } = shared;
  const inbox = city.inboxes.get('education');
  const desk = await openDesk(inbox);
  const { page } = desk;
  await desk.go('/login');
  await tabTo(page, '#name');
  await page.keyboard.type(inbox.name);
  await page.keyboard.press('Tab');
  await page.keyboard.type(inbox.password);
  await page.keyboard.press('Enter');
  await page.waitForURL((url) => url.pathname === '/');
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.className), 'skip');
  await tabTo(page, 'table a[href^="/send/"]');
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/send\//);
  const before = await sentCount('education');
  if (page.url().includes('/send/sign-for/')) {
    await tabTo(page, '[name="body.text"]');
    await page.keyboard.type('已收到');
  } else {
    await tabTo(page, '[name="facts.outcome"]');
    await page.keyboard.press('Space');
    for (let i = 0; i < 3 && !(await page.locator('#o4:checked, [value=not-my-duty]:checked')
      .count()); i++) { await page.keyboard.press('ArrowDown'); }
    await tabTo(page, '[name="facts.suggested_agency"]');
    await page.keyboard.type('民');
    await tabTo(page, '[name="body.reasons"]');
    await page.keyboard.type('不属本单位职责');
  }
  await tabTo(page, '#form .submit button.main');
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/case\//);
  assert.equal(await sentCount('education'), before + 1);
  await desk.close();
});
