#!/usr/bin/env node
// The demo city's story, played by officers in their browsers: what one agency files in a form, the
// other reads on its pages. After it the letter is printed and read as paper.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { enter, identity, test as anyTest, WAIT_MS, withCity } from './city.mjs';

const shared = withCity();
const test = (name, body) => anyTest(name, body, { inOrder: true });
const at = {}; // the desks, by agency
const story = {}; // numbers that the story has so far

async function desk(agency) {
  if (!at[agency]) {
    at[agency] = await enter(shared.city.inboxes.get(agency));
    at[agency].isKept = true; // the story is one session of each
  }
  return at[agency];
}

// A form is opened, filled and sent, with a file where one is given; answers the address of the
// page that follows.
async function file(agency, address, values, others, attached) {
  const one = await desk(agency);
  const opened = await one.go(address);
  assert.equal(opened.status(), 200, `${agency} opens ${address}`);
  await one.fill(values);
  if (attached) {
    await one.page.locator('#facts-attachments-0-digest, #facts-materials-0-digest')
      .setInputFiles(attached);
    await one.page.locator('[data-given]:not([hidden])', { hasText: attached.name }).waitFor();
  }
  const status = await one.submit();
  if (status !== 303) {
    const why = await one.page.locator('#faults, .note.late').allInnerTexts();
    assert.fail(`${agency} ${address} was not sent: ${status} ${why.join(' ')}`);
  }
  const next = new URL(one.page.url()).pathname;
  for (const [receiver, kind, number] of others || []) {
    await shared.city.row(receiver, 'inbox',
      (row) => row.kind === kind && row.state === 'received' && row.referral === number,
      `${kind} of ${number}`);
  }
  return next;
}

const numberOf = (address) => address.split('/').pop();

async function reads(agency, address, ...texts) {
  const one = await desk(agency);
  assert.equal((await one.go(address)).status(), 200, address);
  const text = await one.page.locator('main').innerText();
  for (const wanted of texts) { assert.match(text, wanted, `${agency} ${address}`); }
}

// What an agency downloads from a message is, byte by byte, what the other attached.
async function opens(agency, address, attached) {
  const { page } = await desk(agency);
  const link = page.locator('a[href^="/attachment/"]', { hasText: attached.name });
  for (let tries = 0; tries < 100 && (await page.goto(new URL(address, page.url()).href)) &&
      await link.count() === 0; tries++) {
    await new Promise((resolve) => { setTimeout(resolve, 100); }); // it comes behind its message
  }
  const href = new URL(await link.getAttribute('href'), page.url()).href;
  const got = await page.context().request.get(href);
  assert.equal(got.status(), 200, href);
  assert.ok((await got.body()).equals(attached.buffer), 'the bytes that were attached');
}

const PAPERS = { name: '申请表.pdf', mimeType: 'application/pdf',
  buffer: Buffer.concat([Buffer.from('%PDF-1.7\n'), Buffer.alloc(700000, 'paper ')]) };

const P = 'procuratorate';
const PERSON = {
  'body.persons[0].name': '小测', 'body.persons[0].relation': 'self',
  'body.persons[0].identity_number': identity('20140307'),
  'body.persons[0].may_be_told': 'no', 'body.persons[0].minor': true,
  'body.persons[0].guardian': '祖母，照料有困难',
};
const MATERIALS = Object.fromEntries([0, 1, 2, 3, 4].map((row) =>
  [`facts.materials[${row}].missing`, 'not-issued-yet']));
const CASE = {
  ...MATERIALS,
  'facts.ground': 'art-18-3', 'facts.lead_channel': 'own-department',
  'body.circumstances': '父亲因案死亡，母亲失联，随祖母生活。', 'body.reasons': '就学和生活急需帮助。',
};

test('the procuratorate refers a minor\'s case to three agencies', async () => {
  const { city } = shared;
  const address = await file(P, '/refer', { ...PERSON, ...CASE,
    'facts.priority_groups': ['minor', 'child-without-care'], 'facts.minor_marks': ['minor'],
    'facts.no_publicity': true,
    'facts.needs': ['student-aid', 'children-in-difficulty', 'youth-care'],
    recipients: ['education', 'civil-affairs', 'youth-league'] }, [], PAPERS);
  story.case = numberOf(address).slice(0, 12);
  [story.one, story.two, story.three] = ['-01', '-02', '-03'].map((end) => story.case + end);
  const sent = (await city.must(P, { cmd: 'outbox', count: 500 })).rows.filter((row) =>
    row.case_number === story.case);
  assert.deepEqual(sent.map((row) => row.recipient).sort(),
    ['civil-affairs', 'education', 'youth-league']);
  story.of = Object.fromEntries(sent.map((row) => [row.recipient, row.referral]));
  for (const row of sent) {
    await city.row(row.recipient, 'inbox', (received) => received.id === row.id, row.referral);
  }
  const asked = {};
  for (const row of sent) {
    asked[row.recipient] = (await city.must(P, { cmd: 'show', id: row.id })).message.facts.needs;
  }
  assert.deepEqual(asked, { education: ['student-aid'],
    'civil-affairs': ['children-in-difficulty'], 'youth-league': ['youth-care'] });
  await reads(P, `/case/${story.case}`, /小测救助案/, /未成年人/, /不得公开报道/);
  await reads('education', `/case/${story.of.education}`, /小测/, /随祖母生活/);
});

test('the case goes to one more agency with what it has, whatever else was begun', async () => {
  const { page } = await desk(P);
  await (await desk(P)).go('/refer');
  await (await desk(P)).fill({ 'body.persons[0].name': '另一个孩子' });
  await page.click('#form button[value=draft]');
  await page.waitForURL(/\/refer$/);
  await (await desk(P)).go(`/case/${story.case}`);
  await page.getByRole('link', { name: '向更多单位移送' }).click();
  await page.waitForURL(new RegExp(`${story.case}$`));
  assert.equal(await page.inputValue('[name="body.persons[0].name"]'), '小测');
  assert.match(await page.inputValue('[name="body.persons[0].identity_number"]'), /^110105\*{8}/);
  assert.match(await page.locator('[data-given]:not([hidden])').first().innerText(), /申请表.pdf/);
  await (await desk(P)).fill({ 'facts.needs': ['legal-aid'], recipients: ['justice'] });
  assert.equal(await (await desk(P)).submit(), 303, await page.locator('main').innerText());
  await page.locator('.note', { hasText: /已送达|平台已登记/ }) // the page says so by itself
    .waitFor({ timeout: WAIT_MS });
  const row = await shared.city.row('justice', 'inbox', (each) =>
    each.kind === 'outbound-referral' && each.case_number === story.case);
  assert.equal(row.referral, `${story.case}-04`);
  await reads('justice', `/case/${row.referral}`, /小测/, /随祖母生活/);
  await opens('justice', `/case/${row.referral}`, PAPERS);
  await (await desk(P)).go('/refer');
  assert.equal(await page.inputValue('[name="body.persons[0].name"]'), '另一个孩子');
  await page.click('form[action="/draft/discard"] button');
});

test('education signs for it and grants assistance', async () => {
  const number = story.of.education;
  await file('education', `/send/sign-for/${number}`, {}, [[P, 'sign-for', number]]);
  const education = await desk('education');
  const text = await education.page.locator('main').innerText();
  assert.match(text, /已签收/, 'at once, not when it is loaded again');
  assert.doesNotMatch(text, /待签收/);
  await education.go(`/send/sign-for/${number}`); // pressed a second time
  assert.equal(new URL(education.page.url()).pathname, `/case/${number}`);
  assert.match(await education.page.locator('main').innerText(), /已经签收，不必再次签收/);
  await file('education', `/send/feedback/${number}`, {
    'facts.outcome': 'granted', 'facts.measures[0].measure': 'student-aid',
    'facts.measures[0].shape': 'money', 'facts.measures[0].amount_fen': '1,200.50',
    'facts.measures[0].unit': 'term' }, [[P, 'outbound-feedback', number]]);
  await reads(P, '/', new RegExp(`${number}[^]*待阅 反馈审查结果`));
  await reads(P, `/case/${number}`, /给予救助/, /按期/, /查看：反馈审查结果 新/);
  await reads(P, `/case/${number}`, /查看：反馈审查结果 新/); // who saw the case has not read it
  const reader = await desk(P);
  await reader.page.getByRole('link', { name: /查看：反馈审查结果/ }).click();
  assert.match(await reader.page.locator('main').innerText(), /1,200\.50/);
  await reads(P, `/case/${number}`, /查看：反馈审查结果\n/, /已阅来文/);
  assert.doesNotMatch(await (await desk(P)).page.locator('main').innerText(), /反馈审查结果 新/);
});

test('civil affairs asks for procedure; the applicant is informed, the papers come', async () => {
  const number = story.of['civil-affairs'];
  await file('civil-affairs', `/send/feedback/${number}`, {
    'facts.outcome': 'procedure-required', 'facts.documents[0].kind': 'application-form',
    'facts.tell_by': P }, [[P, 'outbound-feedback', number]]);
  await file(P, `/send/applicant-informed/${number}`, { 'facts.how': 'guardian',
    'body.told_whom': '祖母', 'body.text': '已说明所需材料。' },
  [['civil-affairs', 'applicant-informed', number]]);
  const { page } = await desk(P);
  assert.match(await page.locator('main').innerText(), /告知/);
  await (await desk(P)).go(`/send/papers/${number}`);
  const received = await page.locator('[name="facts.received"]').getAttribute('type');
  const today = await shared.city.today();
  await file(P, `/send/papers/${number}`, { 'facts.documents': ['application-form'],
    'facts.received': received === 'date' ? today : `${today}T08:00` },
  [['civil-affairs', 'papers', number]], PAPERS);
  await reads('civil-affairs', `/case/${number}`, /补/);
  const row = await shared.city.row('civil-affairs', 'inbox',
    (each) => each.kind === 'papers' && each.referral === number);
  await opens('civil-affairs', `/message/${row.id}`, PAPERS);
});

test('the youth league says that it is not its duty, and the referral goes on', async () => {
  const number = story.of['youth-league'];
  await file('youth-league', `/send/feedback/${number}`, { 'facts.outcome': 'not-my-duty',
    'facts.suggested_agency': 'womens-federation', 'body.reasons': '由妇联的家庭教育指导承接。' },
  [[P, 'outbound-feedback', number]]);
  await reads(P, `/case/${number}`, /改送其他单位/);
  const address = await file(P,
    `/refer/${number}`, { ...PERSON,
      'facts.priority_groups': ['minor', 'child-without-care'], 'facts.minor_marks': ['minor'],
      'facts.needs': ['family-support'], recipients: ['womens-federation'] });
  story.on = numberOf(address);
  assert.ok(story.on.startsWith(story.case), `the same case: ${story.on}`);
  story.on = (await shared.city.row('womens-federation', 'inbox',
    (row) => row.kind === 'outbound-referral' && row.case_number === story.case)).referral;
  await reads('womens-federation', `/case/${story.on}`, /小测/);
});

test('the procuratorate asks how far it is, and papers follow', async () => {
  const number = story.of['civil-affairs'];
  const { page } = await desk(P);
  await (await desk(P)).go(`/case/${number}`);
  const card = page.locator('article', { hasText: '民政局' });
  await card.getByRole('link', { name: '催办' }).click();
  assert.equal(await (await desk(P)).submit(), 303, await page.locator('main').innerText());
  const asked = numberOf(new URL(page.url()).pathname);
  await shared.city.row('civil-affairs', 'inbox', (row) => row.referral === asked);
  await file('civil-affairs', `/send/information-reply/${asked}`, { 'facts.answered': ['progress'],
    'body.text': '正在核实，下周办结。' }, [[P, 'information-reply', asked]]);
  await file(P, `/send/supplement/${number}`, {}, [['civil-affairs', 'correction', number]],
    PAPERS);
  await reads('civil-affairs', '/', /待阅 更正/);
  await reads('civil-affairs', `/case/${number}`, /申请表.pdf/, /更正或补充，以下为原文/);
});

test('civil affairs asks for information, and the procuratorate answers', async () => {
  const about = story.of['civil-affairs'];
  story.asked = numberOf(await file('civil-affairs', `/send/information-request/${about}`, {
    'facts.asked': ['income'], 'body.text': '请补充家庭收入。' }));
  await shared.city.row(P, 'inbox', (row) => row.referral === story.asked);
  await file(P, `/send/information-reply/${story.asked}`, { 'facts.answered': ['income'],
    'body.text': '年收入约两万元。' }, [['civil-affairs', 'information-reply', story.asked]]);
  await reads('civil-affairs', `/matter/${story.asked}`, /年收入约两万元|答复/);
});

test('a referral is withdrawn; the others go on', async () => {
  await file(P, `/send/withdrawal/${story.on}`, { 'facts.reason': 'applicant-wishes',
    'body.text': '当事人希望以后再说。' }, [['womens-federation', 'withdrawal', story.on]]);
  await reads('womens-federation', `/case/${story.on}`, /此件已于.*撤回/);
  await file(P, `/send/withdrawal/${story.case}-04`, { 'facts.reason': 'duplicate' },
    [['justice', 'withdrawal', `${story.case}-04`]]);
});

test('the women\'s federation refers to the procuratorate, which answers', async () => {
  const address = await file('womens-federation', '/refer', {
    'body.persons[0].name': '阿测', 'body.persons[0].relation': 'self',
    'body.persons[0].may_be_told': 'yes', 'facts.ground': 'art-4-1',
    'facts.lead_channel': 'member-agency', 'facts.relation': 'self', 'facts.told': 'told',
    'body.circumstances': '被害后生活困难。', 'body.reasons': '符合司法救助条件。' });
  story.inbound = numberOf(address);
  await shared.city.row(P, 'inbox', (row) => row.referral === story.inbound);
  await file(P, `/send/sign-for/${story.inbound}`, {},
    [['womens-federation', 'sign-for', story.inbound]]);
  await file(P, `/send/feedback/${story.inbound}`, { 'facts.outcome': 'suitable',
    'body.opinion': '符合条件，拟予救助。' },
  [['womens-federation', 'inbound-feedback', story.inbound]]);
  await reads('womens-federation', `/case/${story.inbound}`, /符合/);
});

test('the office gives notice of a joint meeting, and two agencies reply', async () => {
  const [at9, by] = [await shared.city.today(20), await shared.city.today(12)];
  const meeting = numberOf(await file(P, '/send/meeting-notice', { 'facts.at': `${at9}T09:00`,
    'facts.reply_by': by, 'body.text': '第九检察部会议室。',
    recipients: ['youth-league', 'civil-affairs'] }));
  for (const agency of ['youth-league', 'civil-affairs']) {
    await shared.city.row(agency, 'inbox', (row) => row.referral === meeting);
    await file(agency, `/send/meeting-reply/${meeting}`, { 'facts.attends': 'yes' });
  }
  await shared.city.until(P, { cmd: 'show', id: meeting },
    (answer) => answer.matter?.state === 'closed', 'both replies');
  await reads(P, '/meetings', /会议/);
  await reads('youth-league', '/meetings', /教育体育局[^]*分管领导|某（化名）/); // of the demo
});

test('when nobody answers in time there is a supervision sheet, and it is replied to', async () => {
  const number = story.of['civil-affairs'];
  await shared.city.clock(`${await shared.city.today(40)} 09:00`);
  const sheet = await shared.city.row('civil-affairs', 'inbox', (row) => row.referral === number &&
    row.kind === 'escalation' && row.document_number, 'a supervision sheet');
  await reads('civil-affairs', '/list/late', new RegExp(number));
  await file('civil-affairs',
    `/send/escalation-reply/${number}?document=${sheet.document_number}`,
    { 'facts.answer': 'will-answer', 'body.text': '正在办理，三日内反馈。' });
  await file('civil-affairs', `/send/feedback/${number}`, {
    'facts.outcome': 'granted', 'facts.measures[0].measure': 'child-allowance',
    'facts.measures[0].shape': 'money', 'facts.measures[0].amount_fen': '1700',
    'facts.measures[0].unit': 'month' }, [[P, 'outbound-feedback', number]]);
  await reads(P, `/case/${number}`, /超期/);
});

test('the case is archived, and visited when the time has come', async () => {
  story.archive = numberOf(await file(P, `/send/archive/${story.case}`,
    { 'facts.why': 'assisted', 'body.text': '救助措施已落实。' }));
  await shared.city.row('civil-affairs', 'inbox', (row) => row.referral === story.archive);
  await shared.city.clock(`${await shared.city.today(61)} 09:00`);
  await file(P, `/send/follow-up-report/${story.archive}`, { 'facts.hardship': 'eased',
    'facts.effect': 'full', 'facts.risk': 'none', 'body.text': '生活安定。' });
  await shared.city.row('civil-affairs', 'inbox', (row) => row.kind === 'follow-up-report' &&
    row.referral === story.archive);
  await reads('civil-affairs', `/matter/${story.archive}`, /回访/);
});

// --- paper ---

async function print(agency, address, name, most = 1) {
  const one = await desk(agency);
  assert.equal((await one.go(address)).status(), 200, address);
  const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'letter-')), `${name}.pdf`);
  await one.page.pdf({ path: file, preferCSSPageSize: true, printBackground: true });
  const info = execFileSync('pdfinfo', [file], { encoding: 'utf8' });
  const text = execFileSync('pdftotext', ['-layout', file, '-'], { encoding: 'utf8' });
  fs.rmSync(path.dirname(file), { recursive: true });
  const pages = Number(/^Pages: +(\d+)$/m.exec(info)[1]);
  assert.ok(pages <= most, `${address} is ${pages} pages: ${text}`);
  assert.match(info, /^Page size: .*A4/m, address);
  return text.replace(/\s+/g, '');
}

test('letter and supervision sheet are one A4 page each, and say what they must', async () => {
  const { page } = await desk(P);
  await (await desk(P)).go(`/case/${story.of.education}`);
  const letter = await page.locator('a[href^="/letter/"]').first().getAttribute('href');
  const text = await print(P, letter, 'letter');
  assert.match(text, /关于移送小测社会救助线索的函/);
  assert.match(text, /教育体育局/);
  assert.match(text, /人民检察院/);
  assert.doesNotMatch(text, /退出|收件箱|打印/, 'the frame of the page is not printed');
  const sheet = (await shared.city.must('civil-affairs', { cmd: 'inbox', count: 500 })).rows
    .find((row) => row.referral === story.of['civil-affairs'] && row.document_number);
  const paper = await print('civil-affairs', `/document/${sheet.document_number}`, 'sheet');
  assert.match(paper, /督办单/);
  assert.match(paper, new RegExp(story.of['civil-affairs']));
  assert.match(await print(P, '/statistics', 'statistics', 2), /本单位统计/);
});
