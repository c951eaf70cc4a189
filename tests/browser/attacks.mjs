#!/usr/bin/env node
// Attacks on the inbox by raw HTTP: forged and foreign requests, fixed and stolen sessions, guessed
// passwords, other hosts, strange paths, sizes and methods, and roles that ask for too much. Each
// must be refused, and the inbox must answer its officers as before.
import assert from 'node:assert/strict';
import http from 'node:http';
import net from 'node:net';
import { test } from 'node:test';
import { isLong, withCity } from './city.mjs';

const shared = withCity({ browsers: false });

// --- requests ---

function ask(inbox, address, { method = 'GET', headers = {}, form, body, cookie } = {}) {
  const url = new URL(inbox.address);
  const content = body ?? (form && new URLSearchParams(form).toString());
  const all = { ...headers };
  if (cookie) { all.Cookie = cookie; }
  if (form) { all['Content-Type'] = 'application/x-www-form-urlencoded'; }
  if (content !== undefined && !all['Content-Length']) {
    all['Content-Length'] = Buffer.byteLength(content);
  }
  return new Promise((resolve, reject) => {
    const request = http.request({ host: url.hostname, port: url.port, path: address, method,
      headers: all, agent: false, setHost: !('Host' in all) }, (response) => {
      const pieces = [];
      response.on('data', (piece) => pieces.push(piece));
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers,
        text: Buffer.concat(pieces).toString('utf8') }));
      response.on('error', reject);
    });
    request.on('error', reject);
    request.end(content);
  });
}

// What comes back for these bytes until the inbox closes, or `until` has come.
function raw(inbox, bytes, { until } = {}) {
  const url = new URL(inbox.address);
  return new Promise((resolve, reject) => {
    const socket = net.connect(Number(url.port), url.hostname);
    let text = '';
    socket.setEncoding('latin1').on('data', (piece) => {
      text += piece;
      if (until && text.includes(until)) { socket.destroy(); resolve(text); }
    });
    socket.on('connect', () => socket.write(bytes));
    socket.on('close', () => resolve(text));
    socket.on('error', (error) => (error.code === 'ECONNRESET' ? resolve(text) : reject(error)));
  });
}

const cookieOf = (answer) => (answer.headers['set-cookie'] || []).map((line) => line.split(';')[0])
  .find((pair) => pair.startsWith('sid-'));

async function login(inbox, { cookie, password = inbox.password, name = inbox.name } = {}) {
  return ask(inbox, '/login', { method: 'POST', form: { name, password }, cookie });
}

async function enter(inbox) {
  const answer = await login(inbox);
  assert.equal(answer.status, 303, answer.text);
  return cookieOf(answer);
}

async function tokenOf(inbox, cookie) {
  const page = await ask(inbox, '/settings', { cookie });
  return /name="csrf" value="([0-9a-f]+)"/.exec(page.text)[1];
}

const isIn = async (inbox, cookie) => (await ask(inbox, '/settings', { cookie })).status === 200;

const of = (agency) => shared.city.inboxes.get(agency);

// --- sessions ---

test('nobody sees anything before the login', async () => {
  const inbox = of('procuratorate');
  for (const address of ['/', '/list/ledger', '/case/JZ-2026-0001', '/settings', '/refer',
    '/send/withdrawal/JZ-2026-0001-01', '/statistics', '/officers', '/drafts', '/letter/x',
    '/document/x']) {
    const answer = await ask(inbox, address);
    assert.ok([303, 404].includes(answer.status), `${address}: ${answer.status}`);
    if (answer.status === 303) { assert.match(answer.headers.location, /^\/login/); }
    assert.doesNotMatch(answer.text, /JZ-2026-0001/, address);
  }
  assert.equal((await ask(inbox, '/counts')).status, 401);
});

test('the cookie is for this inbox alone, out of reach of scripts, and not sent from elsewhere',
  async () => {
    const answer = await login(of('procuratorate'));
    const line = answer.headers['set-cookie'].find((one) => one.startsWith('sid-'));
    assert.match(line, /^sid-procuratorate=[0-9a-f]{64}; /);
    for (const flag of [/; HttpOnly/, /; SameSite=Strict/, /; Path=\//]) {
      assert.match(line, flag);
    }
    assert.doesNotMatch(line, /Domain=|Expires=/);
  });

test('a cookie that was there before the login is not the one after it', async () => {
  const inbox = of('procuratorate');
  const planted = `sid-procuratorate=${'ab'.repeat(32)}`;
  const fresh = cookieOf(await login(inbox, { cookie: planted }));
  assert.notEqual(fresh, planted);
  assert.equal(await isIn(inbox, planted), false);
  assert.equal(await isIn(inbox, fresh), true);
  const again = cookieOf(await login(inbox, { cookie: fresh }));
  assert.notEqual(again, fresh);
});

test('logging out ends the session for whoever kept its cookie', async () => {
  const inbox = of('procuratorate');
  const cookie = await enter(inbox);
  const csrf = await tokenOf(inbox, cookie);
  assert.equal((await ask(inbox, '/logout', { cookie })).status, 405, 'a link cannot log out');
  const out = await ask(inbox, '/logout', { method: 'POST', cookie, form: { csrf } });
  assert.equal(out.status, 303);
  assert.equal(await isIn(inbox, cookie), false);
});

test('one agency\'s cookie opens nothing at another, under any name', async () => {
  const [mine, other] = [of('procuratorate'), of('civil-affairs')];
  const cookie = await enter(mine);
  const token = cookie.split('=')[1];
  assert.equal(await isIn(mine, cookie), true);
  assert.equal(await isIn(other, cookie), false);
  assert.equal(await isIn(other, `sid-civil-affairs=${token}`), false);
  assert.equal((await login(other, { name: mine.name, password: mine.password })).status, 403);
});

// --- forged requests ---

test('a form without the session\'s token, or with another, changes nothing', async () => {
  const inbox = of('procuratorate');
  const [cookie, other] = [await enter(inbox), await enter(inbox)];
  const strange = await tokenOf(inbox, other);
  for (const csrf of [undefined, '', 'x', strange, '0'.repeat(64)]) {
    for (const address of ['/logout', '/settings', '/', '/export/csv', '/refer', '/draft',
      '/draft/discard', '/officers', '/send/archive/JZ-2026-0004', '/verify',
      '/reveal/00000000-0000-7000-8000-000000000000']) {
      const form = csrf === undefined ? {} : { csrf };
      const answer = await ask(inbox, address, { method: 'POST', cookie, form });
      assert.ok([403, 404, 405].includes(answer.status), `${address} ${csrf}: ${answer.status}`);
      assert.equal(answer.headers['set-cookie'], undefined);
    }
  }
  const plain = await ask(inbox, '/logout', { method: 'POST', cookie,
    body: `csrf=${await tokenOf(inbox, cookie)}`, headers: { 'Content-Type': 'text/plain' } });
  assert.ok(plain.status >= 400, 'a body that pages elsewhere may send is no form');
  const query = await ask(inbox, `/logout?csrf=${await tokenOf(inbox, cookie)}`,
    { method: 'POST', cookie, form: {} });
  assert.equal(query.status, 403, 'a token in the address is none');
  assert.equal(await isIn(inbox, cookie), true);
});

test('a form from another site is refused, even with the right token', async () => {
  const inbox = of('procuratorate');
  const cookie = await enter(inbox);
  const csrf = await tokenOf(inbox, cookie);
  const host = new URL(inbox.address).host;
  for (const origin of ['http://evil.example', 'null', 'http://127.0.0.1', `http://${host}.evil`,
    of('civil-affairs').address, `evil://${host}@x`, host]) {
    const answer = await ask(inbox, '/logout', { method: 'POST', cookie, form: { csrf },
      headers: { Origin: origin } });
    assert.equal(answer.status, 403, origin);
  }
  const login403 = await ask(inbox, '/login', { method: 'POST',
    form: { name: inbox.name, password: inbox.password },
    headers: { Origin: 'http://evil.example' } });
  assert.equal(login403.status, 403, 'nobody is logged in from another site');
  assert.equal(await isIn(inbox, cookie), true);
});

test('a name of another site that leads here (DNS rebinding) is refused', async () => {
  const inbox = of('procuratorate');
  const cookie = await enter(inbox);
  const { port, host } = new URL(inbox.address);
  for (const name of ['evil.example', `evil.example:${port}`, '127.0.0.1.evil.example',
    'localhost.evil.example', '0.0.0.0', `10.0.0.1:${port}`, 'evil', '[::2]', '127.0.0.1@evil']) {
    for (const address of ['/', '/login', '/static/style.css']) {
      const answer = await ask(inbox, address, { cookie, headers: { Host: name } });
      assert.ok([400, 403].includes(answer.status), `${name} ${address}: ${answer.status}`);
    }
  }
  for (const name of [host, `localhost:${port}`]) {
    assert.equal((await ask(inbox, '/settings', { cookie, headers: { Host: name } })).status, 200);
  }
  for (const lines of ['', `Host: ${host}\r\nHost: evil.example\r\n`]) {
    const answer = await raw(inbox, `GET /login HTTP/1.1\r\n${lines}Connection: close\r\n\r\n`);
    assert.match(answer, /^HTTP\/1\.1 400 /);
  }
});

// --- passwords ---

test('five wrong passwords lock an officer, and the right one does not open then', async () => {
  const inbox = await shared.city.addOfficer('health', 'locked', 'member');
  for (let i = 0; i < 4; i++) {
    assert.equal((await login(inbox, { password: 'wrong' })).status, 403);
  }
  assert.equal((await login(inbox)).status, 303, 'four are forgiven by the right one');
  for (let i = 0; i < 5; i++) {
    assert.equal((await login(inbox, { password: 'wrong' })).status, 403);
  }
  const locked = await login(inbox);
  assert.equal(locked.status, 403);
  assert.match(locked.text, /这个账号已锁定[^]*\d\d:\d\d 起可以再试/);
  assert.equal(cookieOf(locked), undefined);
  assert.equal((await login(of('health'))).status, 303, 'others are not locked out');
});

test('an unknown name, a wrong password and a locked officer get the same answer', async () => {
  const inbox = await shared.city.addOfficer('justice', 'same', 'member');
  const told = (answer) => answer.text.replace(/\d\d:\d\d/g, 'hh:mm'); // until when it is locked
  const took = { known: [], unknown: [] };
  for (let i = 0; i < 6; i++) { // a nobody is locked as everybody is
    const from = performance.now();
    const unknown = await login(inbox, { name: 'nobody', password: 'wrong' });
    took.unknown.push(performance.now() - from);
    const again = performance.now();
    const known = await login(inbox, { password: 'wrong' });
    took.known.push(performance.now() - again);
    assert.equal(told(unknown), told(known), `the answer ${i + 1}`);
    assert.equal(/已锁定/.test(known.text), i >= 4, `the answer ${i + 1}`);
  }
  assert.equal(told(await login(inbox)), told(await login(inbox, { name: 'nobody' })));
  for (const strange of ['', 'A', '../same', 'ж', 'x'.repeat(200)]) {
    const answer = await login(inbox, { name: strange });
    assert.equal(answer.status, 403, JSON.stringify(strange));
  }
  // An unknown name costs a hash, too: no answer at once, that tells that there is nobody.
  assert.ok(Math.min(...took.unknown) > Math.min(...took.known) / 3, JSON.stringify(took));
});

test('who was given a password must change it before anything else', async () => {
  const inbox = of('health');
  const { password } = await shared.city.must('health',
    { cmd: 'officer-add', name: 'given', shown: '新来的', roles: 'member' });
  const cookie = await enter({ ...inbox, name: 'given', password });
  for (const address of ['/', '/list/ledger', '/case/WJ-2026-0001']) {
    const answer = await ask(inbox, address, { cookie });
    assert.equal(answer.headers.location, '/settings', address);
  }
  const csrf = await tokenOf(inbox, cookie);
  const short = await ask(inbox, '/settings', { method: 'POST', cookie,
    form: { csrf, old: password, new: 'short', again: 'short' } });
  assert.equal(short.status, 400);
  assert.equal((await ask(inbox, '/', { cookie })).headers.location, '/settings');
  const changed = await ask(inbox, '/settings', { method: 'POST', cookie,
    form: { csrf, old: password, new: '够长的一个新密码啊啊', again: '够长的一个新密码啊啊' } });
  assert.equal(changed.status, 303);
  assert.equal((await ask(inbox, '/', { cookie })).status, 200);
});

// --- roles ---

test('a manager of accounts reads no case', async () => {
  const inbox = await shared.city.addOfficer('procuratorate', 'only-manager', 'manager');
  const cookie = await enter(inbox);
  assert.equal((await ask(inbox, '/', { cookie })).headers.location, '/officers');
  const { rows } = await shared.city.must('procuratorate', { cmd: 'outbox', count: 500 });
  const { id } = rows.find((row) => row.kind === 'outbound-referral');
  for (const address of ['/list/ledger', '/list/sent', '/refer', '/case/JZ-2026-0001', '/drafts',
    '/case/JZ-2026-0001-01', '/matter/JZ-SX-2026-0001', `/message/${id}`, `/letter/${id}`,
    '/send/archive/JZ-2026-0004']) {
    const answer = await ask(inbox, address, { cookie });
    assert.equal(answer.status, 403, address);
    assert.doesNotMatch(answer.text, /JZ-2026|小甲/, address);
  }
  const csrf = await tokenOf(inbox, cookie);
  for (const address of [`/reveal/${id}`, '/export/csv', '/export/xlsx', '/draft', '/list/sent']) {
    const form = { csrf, q: 'JZ', why: '审查核实', address: '/refer' };
    const answer = await ask(inbox, address, { method: 'POST', cookie, form });
    assert.equal(answer.status, 403, address);
    assert.doesNotMatch(answer.text, /JZ-2026|小甲/, address);
  }
});

test('a leader reads, and reveals and sends nothing', async () => {
  const inbox = await shared.city.addOfficer('procuratorate', 'only-leader', 'leader');
  const cookie = await enter(inbox);
  const page = await ask(inbox, '/case/JZ-2026-0004', { cookie });
  assert.equal(page.status, 200);
  assert.doesNotMatch(page.text, /href="\/send\//, 'no button that would be refused');
  const csrf = await tokenOf(inbox, cookie);
  for (const address of ['/refer', '/send/archive/JZ-2026-0004',
    '/send/withdrawal/JZ-2026-0004-02']) {
    for (const method of ['GET', 'POST']) {
      const form = method === 'POST' ? { csrf } : undefined;
      const answer = await ask(inbox, address, { method, cookie, form });
      assert.ok([403, 404, 405].includes(answer.status), `${method} ${address}: ${answer.status}`);
    }
  }
});

test('an officer who is shut out is out at once', async () => {
  const inbox = await shared.city.addOfficer('justice', 'leaves', 'member');
  const cookie = await enter(inbox);
  assert.equal(await isIn(inbox, cookie), true);
  await shared.city.must('justice', { cmd: 'officer-disable', name: 'leaves' });
  assert.equal(await isIn(inbox, cookie), false);
  assert.equal((await login(inbox)).status, 403);
});

test('an agency sees no case, message or letter of others', async () => {
  const inbox = of('health');
  const cookie = await enter(inbox);
  const { rows } = await shared.city.must('procuratorate', { cmd: 'outbox', count: 500 });
  const { id } = rows.find((row) => row.kind === 'outbound-referral' &&
    row.recipient !== 'health');
  for (const address of ['/case/JZ-2026-0001', '/case/JZ-2026-0001-01', `/message/${id}`,
    `/letter/${id}`, '/send/feedback/JZ-2026-0001-01', '/matter/JZ-SX-2026-0004']) {
    const answer = await ask(inbox, address, { cookie });
    assert.equal(answer.status, 404, address);
    assert.doesNotMatch(answer.text, /小甲|小辰/, address);
  }
});

// --- what is no request of ours ---

test('paths that climb, hide or are strange lead nowhere', async () => {
  const inbox = of('procuratorate');
  const cookie = await enter(inbox);
  const { host } = new URL(inbox.address);
  const up = ['/static/../../../etc/passwd', '/static/%2e%2e/%2e%2e/etc/passwd',
    '/static/..%2f..%2fagent.yaml', '/static/....//agent.yaml', '/static//etc/passwd',
    '/static/style.css%00.html', '/case/../../agent.yaml', '/case/%2e%2e', '/case/%00',
    '/case/JZ-2026-0001%0d%0aSet-Cookie:x=1', '//evil.example/', '/\\evil.example', '/%',
    '/%zz', '/case/', '/list/nothing', '/case/JZ-9999-9999', '/case/%ff%fe',
    '/.git/config', '/agent.sock', '/login/', '/LOGIN', '*', 'http://evil.example/'];
  for (const address of up) {
    const answer = await raw(inbox, `GET ${address} HTTP/1.1\r\nHost: ${host}\r\n` +
      `Cookie: ${cookie}\r\nConnection: close\r\n\r\n`);
    assert.match(answer, /^HTTP\/1\.1 (400|403|404) /, `${address}: ${answer.slice(0, 60)}`);
    assert.doesNotMatch(answer, /root:|x=1\r|Location: (http|\/\/)/i, address);
  }
  assert.equal(await isIn(inbox, cookie), true);
});

test('a search is text, whatever it holds', async () => {
  const inbox = of('procuratorate');
  const cookie = await enter(inbox);
  const csrf = await tokenOf(inbox, cookie);
  for (const q of ['<script>alert(1)</script>', '"><img src=x onerror=alert(1)>', '{{name}}',
    "' OR 1=1 --", '%00', '\u202e', '%'.repeat(50), '.*', '\\']) {
    const answer = await ask(inbox, '/list/ledger', { method: 'POST', cookie, form: { csrf, q } });
    assert.equal(answer.status, 200, q);
    assert.doesNotMatch(answer.text, /<script>alert|<img src=x/, q);
    if (q === '{{name}}') { assert.match(answer.text, /value="\{\{name\}\}"/); }
  }
});

test('what is too large is refused, and the next request is answered', async () => {
  const inbox = of('procuratorate');
  const { host } = new URL(inbox.address);
  const cookie = await enter(inbox);
  const csrf = await tokenOf(inbox, cookie);
  const big = `csrf=${csrf}&q=${'x'.repeat(2 * 1024 * 1024)}`;
  const posted = await ask(inbox, '/list/ledger', { method: 'POST', cookie, body: big,
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' } });
  assert.equal(posted.status, 413);
  const announced = await raw(inbox, `POST /login HTTP/1.1\r\nHost: ${host}\r\n` +
    'Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 99999999999\r\n\r\nname=');
  assert.match(announced, /^HTTP\/1\.1 413 /);
  const chunked = await raw(inbox, `POST /login HTTP/1.1\r\nHost: ${host}\r\n` +
    'Content-Type: application/x-www-form-urlencoded\r\n' +
    'Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n' +
    '200000\r\n' + 'x'.repeat(0x200000) + '\r\n0\r\n\r\n');
  assert.match(chunked, /^HTTP\/1\.1 4(00|13) |^$/);
  const path = await ask(inbox, `/list/ledger?q=${'x'.repeat(8000)}`, { cookie });
  assert.equal(path.status, 414);
  const headers = await raw(inbox,
    `GET / HTTP/1.1\r\nHost: ${host}\r\nX: ${'x'.repeat(200000)}\r\n\r\n`);
  assert.match(headers, /^HTTP\/1\.1 4\d\d |^$/);
  const fields = new URLSearchParams([...Array(3000).keys()].map((i) => [`f${i}`, 'x'])).toString();
  const many = await ask(inbox, '/list/ledger', { method: 'POST', cookie, body: fields,
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' } });
  assert.ok([400, 413].includes(many.status), `${many.status}`);
  assert.equal(await isIn(inbox, cookie), true);
});

test('methods that a browser does not use, and overrides of them, change nothing', async () => {
  const inbox = of('procuratorate');
  const cookie = await enter(inbox);
  const csrf = await tokenOf(inbox, cookie);
  for (const method of ['PUT', 'DELETE', 'PATCH', 'TRACE', 'OPTIONS', 'PROPFIND', 'post']) {
    const answer = await raw(inbox, `${method} /logout HTTP/1.1\r\n` +
      `Host: ${new URL(inbox.address).host}\r\nCookie: ${cookie}\r\nConnection: close\r\n\r\n`);
    assert.match(answer, /^HTTP\/1\.1 (400|405|501) /, `${method}: ${answer.slice(0, 60)}`);
    assert.doesNotMatch(answer, new RegExp(cookie), `${method} echoes nothing`);
  }
  for (const [name, value] of [['X-HTTP-Method-Override', 'POST'], ['X-Method-Override', 'POST']]) {
    const answer = await ask(inbox, `/logout?_method=POST&csrf=${csrf}`,
      { cookie, headers: { [name]: value } });
    assert.equal(answer.status, 405);
  }
  assert.equal(await isIn(inbox, cookie), true);
});

test('two lengths, or a length and chunks, end the connection', async () => {
  const inbox = of('procuratorate');
  const { host } = new URL(inbox.address);
  const head = `POST /login HTTP/1.1\r\nHost: ${host}\r\n` +
    'Content-Type: application/x-www-form-urlencoded\r\n';
  for (const lines of ['Content-Length: 4\r\nContent-Length: 40\r\n',
    'Content-Length: 4\r\nTransfer-Encoding: chunked\r\n', 'Transfer-Encoding: gzip, chunked\r\n',
    'Content-Length: -1\r\n', 'Content-Length: 4, 4\r\n']) {
    const answer = await raw(inbox,
      `${head}${lines}\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    assert.match(answer, /^HTTP\/1\.1 400 |^$/, lines);
    assert.doesNotMatch(answer, /HTTP\/1\.1 [235]/, `the second was answered: ${lines}`);
  }
});

test('many that dawdle do not keep others out', async () => {
  const inbox = of('procuratorate');
  const { port, hostname, host } = new URL(inbox.address);
  const slow = await Promise.all([...Array(isLong ? 240 : 120).keys()].map(() =>
    new Promise((resolve, reject) => {
      const socket = net.connect(Number(port), hostname, () => {
        socket.write(`POST /login HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 100\r\n`);
        resolve(socket);
      });
      socket.on('error', reject);
    })));
  const from = performance.now();
  assert.equal((await ask(inbox, '/login')).status, 200);
  assert.ok(performance.now() - from < 10000, 'it was answered while they dawdled');
  for (const socket of slow) { socket.destroy(); }
  assert.equal((await ask(inbox, '/login')).status, 200);
});

test('the answers say what browsers need to know, and not who answers', async () => {
  const inbox = of('procuratorate');
  for (const address of ['/login', '/nothing', '/static/style.css']) {
    const { headers } = await ask(inbox, address);
    assert.equal(headers['x-content-type-options'], 'nosniff', address);
    assert.match(headers['content-security-policy'], /frame-ancestors 'none'/, address);
    assert.equal(headers.server, undefined, address);
    assert.equal(headers['access-control-allow-origin'], undefined, address);
  }
});
