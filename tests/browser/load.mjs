#!/usr/bin/env node
// Many officers read at once: sessions of one agency that open lists and cases while messages come
// and go. Each answer is whole and in time, and the agent goes on exchanging.
import assert from 'node:assert/strict';
import http from 'node:http';
import { test } from 'node:test';
import { isLong, withCity } from './city.mjs';

const shared = withCity({ browsers: false });
const SESSIONS = isLong ? 200 : 24;
const READS = isLong ? 25 : 10; // of each session
const AT_LOGIN = 8; // that hash their passwords at a time
const PAUSE_MS = isLong ? 4000 : 1000; // at most, as people do: each reads what was opened
// On a machine that does nothing else; tests/run shares it with other suites.
const P95_MS = isLong ? 500 : 2000;

function ask(inbox, agent, address, { cookie, form } = {}) {
  const url = new URL(inbox.address);
  const content = form && new URLSearchParams(form).toString();
  const headers = cookie ? { Cookie: cookie } : {};
  if (form) {
    headers['Content-Type'] = 'application/x-www-form-urlencoded';
    headers['Content-Length'] = Buffer.byteLength(content);
  }
  return new Promise((resolve, reject) => {
    const request = http.request({ host: url.hostname, port: url.port, path: address, headers,
      method: form ? 'POST' : 'GET', agent }, (response) => {
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

async function enter(inbox) {
  const answer = await ask(inbox, false, '/login',
    { form: { name: inbox.name, password: inbox.password } });
  assert.equal(answer.status, 303, answer.text);
  const line = answer.headers['set-cookie'].find((one) => one.startsWith('sid-'));
  // One connection for all that it reads; not open yet, for an idle one is closed.
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  return { agent, cookie: line.split(';')[0] };
}

async function enterAll(inbox) {
  const sessions = [];
  await Promise.all([...Array(AT_LOGIN).keys()].map(async (at) => {
    for (let i = at; i < SESSIONS; i += AT_LOGIN) { sessions.push(await enter(inbox)); }
  }));
  return sessions;
}

// A pause of somebody who reads, the same in each run.
function paused(seed) {
  return new Promise((resolve) => {
    setTimeout(resolve, PAUSE_MS * ((seed * 7919) % 1000) / 1000);
  });
}

async function read(inbox, session, number, took) {
  const addresses = ['/', '/list/ledger', '/case/JZ-2026-0001', '/list/sent', '/counts',
    '/case/JZ-2026-0004-01'];
  for (let i = 0; i < READS; i++) {
    await paused(number * READS + i);
    const address = addresses[(number + i) % addresses.length];
    const from = performance.now();
    const answer = await ask(inbox, session.agent, address, session);
    took.push(performance.now() - from);
    assert.equal(answer.status, 200, address);
    assert.ok(address === '/counts' || answer.text.trimEnd().endsWith('</html>'), address);
  }
}

// Meetings are called and come to the other agency, one after the other, until all have read.
async function exchange(state) {
  const { city } = shared;
  const [at, by] = [await city.today(20), await city.today(12)];
  while (!state.isOver || state.count === 0) {
    const sent = await city.must('procuratorate', { cmd: 'send', message: { kind: 'meeting-notice',
      recipients: ['health'], facts: { at: `${at}T09:00:00+08:00`, reply_by: by },
      body: { officer: '办公室', text: '会议室。' } } });
    await city.until('health', { cmd: 'show', id: sent.messages[0].id }, (answer) => answer.ok,
      'a message under load');
    state.count++;
  }
}

test(`${SESSIONS} sessions read at once while messages come and go`, async (context) => {
  const inbox = shared.city.inboxes.get('procuratorate');
  const sessions = await enterAll(inbox);
  assert.equal(sessions.length, SESSIONS);
  const took = [];
  const state = { isOver: false, count: 0 };
  const exchanging = exchange(state);
  try {
    await Promise.all(sessions.map((session, number) => read(inbox, session, number, took)));
  } finally {
    state.isOver = true;
    await exchanging;
    for (const session of sessions) { session.agent.destroy(); }
  }
  took.sort((a, b) => a - b);
  const part = (of) => Math.round(took[Math.floor((took.length - 1) * of)]);
  context.diagnostic(`${took.length} pages, median ${part(0.5)} ms, p95 ${part(0.95)} ms, ` +
    `longest ${part(1)} ms; ${state.count} messages meanwhile`);
  assert.ok(state.count >= 2, 'messages were exchanged meanwhile');
  assert.ok(part(0.95) < P95_MS, `p95 of ${part(0.95)} ms`);
});
