/* What makes a form quicker: rows without a round trip, drafts by themselves, identity numbers that
   are checked while they are typed, rows pasted from a spreadsheet. Without a script the server does
   all of it by the buttons of the page. */
(function () {
  'use strict';
  var form = document.getElementById('form');
  if (!form) { return; }

  /* --- drafts: a few seconds after a change, and when the page is left --- */
  var saved = document.getElementById('saved');
  var timer = 0;
  var dirty = false;
  var sent = false;

  function fields() {
    var data = new URLSearchParams();
    new FormData(form).forEach(function (value, name) {
      if (typeof value === 'string') { data.append(name, value); }
    });
    data.append('address', form.dataset.draft);
    return data;
  }

  function save(leaving) {
    if (!dirty || sent) { return; }
    dirty = false;
    fetch('/draft', {
      method: 'POST', body: fields(), credentials: 'same-origin', keepalive: leaving === true,
      headers: { 'X-Csrf-Token': form.elements.csrf.value }
    }).then(function (answer) {
      var type = answer.headers.get('Content-Type') || '';
      if (answer.redirected || type.indexOf('json') < 0) { throw new Error('draft'); }
      return answer.json();
    }).then(function (result) {
      if (!result.ok) { throw new Error('draft'); }
      saved.textContent = form.dataset.saved + result.saved;
    }).catch(function () { dirty = true; saved.textContent = form.dataset.unsaved; });
  }

  function changed() {
    dirty = true;
    window.clearTimeout(timer);
    timer = window.setTimeout(save, 4000);
  }
  form.addEventListener('input', changed);
  form.addEventListener('change', changed);
  form.addEventListener('submit', function (event) {
    if (sending === 0) { return; }
    event.preventDefault();
    event.stopImmediatePropagation();
    saved.textContent = form.dataset.uploading;
  });
  form.addEventListener('submit', function () { sent = true; window.clearTimeout(timer); });
  window.addEventListener('pageshow', function () { sent = false; });
  document.addEventListener('visibilitychange', function () { if (document.hidden) { save(true); } });
  window.addEventListener('pagehide', function () { save(true); });

  /* --- files: piece by piece; after a break it is asked how far it is, and goes on there --- */
  var PIECE = 512 * 1024;
  var TRIES = 5;
  var begun = {}; /* name, size and date of a file: its upload */
  var sending = 0;

  function ask(query, bytes, type, signal) {
    return fetch('/attach' + query, {
      method: 'POST', body: bytes || null, credentials: 'same-origin', signal: signal,
      headers: { 'X-Csrf-Token': form.elements.csrf.value, 'Content-Type': type || 'application/octet-stream' }
    }).then(function (answer) {
      var type = answer.headers.get('Content-Type') || '';
      if (answer.redirected || type.indexOf('json') < 0) { throw new Error('attach'); }
      return answer.json();
    }).then(function (result) {
      if (result.code === 'attachment.offset') { throw new Error('attach'); }
      return result;
    });
  }

  function key(file) { return [file.name, file.size, file.lastModified].join('/'); }

  function pieces(job, upload, have) {
    job.bar.value = have / job.file.size;
    return ask('?upload=' + upload + '&offset=' + have, job.file.slice(have, have + PIECE), '', job.stop.signal).then(function (result) {
      return result.ok && !result.complete ? pieces(job, upload, result.have) : result;
    });
  }

  /* It is asked first how far it is: what was answered into nowhere is not sent again. */
  function whole(job, tries) {
    var file = job.file;
    var there = begun[key(file)] ? ask('?upload=' + begun[key(file)], null, '', job.stop.signal) : Promise.resolve({ ok: false });
    return there.then(function (result) {
      return result.ok ? result : ask('', new URLSearchParams({ name: file.name, bytes: file.size }).toString(), 'application/x-www-form-urlencoded', job.stop.signal);
    }).then(function (result) {
      if (!result.ok || result.complete) { return result; }
      begun[key(file)] = result.upload;
      return pieces(job, result.upload, result.have);
    }).then(function (result) {
      delete begun[key(file)];
      return result;
    }, function (error) {
      if (tries === 0 || job.stop.signal.aborted) { throw error; }
      return new Promise(function (resolve) { window.setTimeout(resolve, 2000); }).then(function () {
        return whole(job, tries - 1);
      });
    });
  }

  function show(cell, digest, name, about, why) {
    var text = cell.querySelector('.err');
    var missing = cell.parentNode.querySelector('[data-missing]');
    cell.querySelector('input[type="hidden"]').value = digest;
    cell.querySelector('[data-name]').textContent = name;
    cell.querySelector('[data-about]').textContent = about;
    cell.querySelector('[data-given]').hidden = !digest;
    cell.querySelector('[data-choose]').hidden = !!digest;
    cell.querySelector('[data-sending]').hidden = true;
    if (missing) { missing.hidden = !!digest; }
    cell.classList.toggle('bad', !!why);
    text.textContent = why;
    text.hidden = !why;
  }

  /* False: it was stopped before. */
  function ended(cell, job) {
    if (!job || cell.job !== job) { return false; }
    cell.job = null;
    sending--;
    return true;
  }

  function stop(cell) {
    var job = cell.job;
    if (!ended(cell, job)) { return; }
    job.stop.abort();
    if (begun[key(job.file)]) { /* what the agent does not hear of, it forgets by itself */
      ask('?upload=' + begun[key(job.file)] + '&cancel=1').catch(function () {});
      delete begun[key(job.file)];
    }
  }

  form.addEventListener('change', function (event) {
    var input = event.target;
    var cell = input.closest('[data-file]');
    var file = input.files && input.files[0];
    if (!cell || !file) { return; }
    var box = cell.querySelector('[data-sending]');
    var job = { file: file, bar: box.querySelector('progress'), stop: new AbortController() };
    show(cell, '', '', '', '');
    cell.querySelector('[data-choose]').hidden = true;
    job.bar.value = 0;
    box.hidden = false;
    cell.job = job;
    sending++;
    whole(job, TRIES).catch(function () {
      return { ok: false, why: form.dataset.unsent };
    }).then(function (result) {
      if (!ended(cell, job)) { return; }
      if (result.ok) { show(cell, result.digest, result.name, result.about, ''); }
      else { show(cell, '', '', '', result.why); }
      input.value = ''; /* it is not sent once more with the form */
      changed();
      if (document.activeElement === document.body) { /* it was hidden under the officer's hands */
        (cell.querySelector('[data-given]:not([hidden]) button') || cell.parentNode.querySelector('[data-drop]') || input).focus();
      }
    });
  });
  form.addEventListener('click', function (event) {
    var button = event.target.closest('button[data-detach], button[data-cancel]');
    var cell = button && button.closest('[data-file]');
    if (!cell) { return; }
    event.preventDefault();
    stop(cell);
    show(cell, '', '', '', '');
    cell.querySelector('input[type="file"]').value = '';
    cell.querySelector('input[type="file"]').focus();
    changed();
  });

  /* --- identity numbers: GB 11643 --- */
  var weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];

  function born(number) {
    var sum = 0;
    if (!/^[1-9]\d{16}[\dX]$/.test(number)) { return null; }
    weights.forEach(function (weight, i) { sum += weight * Number(number[i]); });
    if ('10X98765432'[sum % 11] !== number[17]) { return form.dataset.wrong; }
    return (Number(number[16]) % 2 ? form.dataset.man : form.dataset.woman) + ' ' +
      number.slice(6, 10) + '-' + number.slice(10, 12) + '-' + number.slice(12, 14);
  }

  form.addEventListener('input', function (event) {
    var input = event.target;
    var output = input.nextElementSibling;
    if (input.hasAttribute('data-identity') && output) {
      output.textContent = born(input.value.replace(/\s/g, '').toUpperCase()) || '';
    }
  });

  /* --- what was at fault and is put right is red no more --- */
  function isRight(control) {
    if (control.hasAttribute('data-identity')) {
      return /^\S+ \d{4}-/.test(born(control.value.replace(/\s/g, '').toUpperCase()) || '');
    }
    return control.type === 'checkbox' || control.type === 'radio' ? control.checked : control.value.trim() !== '';
  }

  function settle(marked, box) {
    var text = document.getElementById('e-' + marked.id);
    marked.removeAttribute('aria-invalid');
    if (box) { box.classList.remove('bad'); }
    if (text) { text.hidden = true; }
    document.querySelectorAll('#faults a').forEach(function (link) {
      if (link.getAttribute('href') === '#' + marked.id) { link.closest('li').classList.add('fixed'); }
    });
  }

  function judge(event) {
    var control = event.target;
    var marked = control.closest('[aria-invalid]');
    if (marked && isRight(control)) { settle(marked, control.closest('.bad')); }
    if (control.name === 'facts.needs' || control.name === 'recipients') {
      window.setTimeout(judgeChoices, 0); /* an agency may be ticked along */
    }
  }

  function judgeChoices() {
    ['facts.needs', 'recipients'].forEach(function (name) {
      var text = document.getElementById('e-' + name.replace('.', '-'));
      if (text) { text.hidden = !!form.querySelector('[name="' + name + '"]:checked'); }
    });
  }
  form.addEventListener('input', judge);
  form.addEventListener('change', judge);

  /* --- rows --- */
  function rows(group) {
    return Array.prototype.slice.call(group.querySelectorAll('[data-row]'));
  }

  /* Names, ids and what refers to them get the row's number. */
  function renumber(row, group, index) {
    var path = group.dataset.rows;
    var id = path.replace(/[^A-Za-z0-9_]+/g, '-');
    var named = new RegExp('^((?:drop:)?' + path.replace('.', '\\.') + ')\\[\\d+\\]');
    var marked = new RegExp('((?:^|[eh]-|\\s)' + id + ')-\\d+(?=-|\\s|$)', 'g');
    row.querySelectorAll('*').forEach(function (element) {
      ['name', 'value'].forEach(function (key) {
        var text = element.getAttribute(key);
        if (text && (key === 'name' || element.hasAttribute('data-drop'))) {
          element.setAttribute(key, text.replace(named, '$1[' + index + ']'));
        }
      });
      ['id', 'for', 'aria-describedby'].forEach(function (key) {
        var text = element.getAttribute(key);
        if (text) { element.setAttribute(key, text.replace(marked, '$1-' + index)); }
      });
      if (element.hasAttribute('data-n')) { element.textContent = String(index + 1); }
    });
  }

  function empty(row) {
    row.querySelectorAll('[data-file]').forEach(function (cell) { show(cell, '', '', '', ''); });
    row.querySelectorAll('input, select, textarea').forEach(function (control) {
      if (control.type === 'checkbox' || control.type === 'radio') {
        control.checked = false;
      } else if (control.tagName === 'SELECT') {
        control.selectedIndex = 0;
      } else {
        control.value = '';
      }
      control.removeAttribute('aria-invalid');
      control.removeAttribute('autofocus');
    });
    row.querySelectorAll('.err').forEach(function (text) {
      if (!text.closest('[data-file]')) { text.remove(); }
    });
    row.querySelectorAll('output').forEach(function (text) { text.textContent = ''; });
    row.querySelectorAll('.bad').forEach(function (box) { box.classList.remove('bad'); });
  }

  function add(group) {
    var all = rows(group);
    var last = all[all.length - 1];
    var fresh = last.cloneNode(true);
    empty(fresh);
    renumber(fresh, group, all.length);
    last.parentNode.insertBefore(fresh, last.nextSibling);
    return fresh;
  }

  function first(row) {
    return Array.prototype.find.call(row.querySelectorAll('input, select, textarea, button'), function (control) {
      return control.type !== 'hidden' && !control.closest('[hidden]');
    });
  }

  form.addEventListener('click', function (event) {
    var button = event.target.closest('button');
    var group;
    if (button && button.dataset.add) {
      group = form.querySelector('[data-rows="' + button.dataset.add + '"]');
      if (!group || rows(group).length === 0) { return; }
      event.preventDefault();
      first(add(group)).focus();
      changed();
    } else if (button && button.hasAttribute('data-drop')) {
      group = button.closest('[data-rows]');
      event.preventDefault();
      button.closest('[data-row]').querySelectorAll('[data-file]').forEach(stop);
      if (rows(group).length > 1) {
        button.closest('[data-row]').remove();
      } else {
        empty(button.closest('[data-row]'));
      }
      rows(group).forEach(function (row, i) { renumber(row, group, i); });
      first(rows(group)[0]).focus();
      changed();
    }
  });

  /* --- several lines from a spreadsheet fill several rows --- */
  function put(control, text) {
    if (control.tagName === 'SELECT') {
      Array.prototype.forEach.call(control.options, function (option) {
        if (option.text === text || option.value === text) { control.value = option.value; }
      });
    } else if (control.type === 'date') {
      var parts = text.match(/\d+/g) || [];
      if (parts.length === 3) {
        control.value = parts[0] + '-' + ('0' + parts[1]).slice(-2) + '-' + ('0' + parts[2]).slice(-2);
      }
    } else if (control.type === 'checkbox') {
      control.checked = /^(是|√|1|yes|true)$/i.test(text);
    } else {
      control.value = text;
    }
    control.dispatchEvent(new Event('input', { bubbles: true }));
  }

  function controls(row) {
    return Array.prototype.filter.call(row.querySelectorAll('input, select, textarea'), function (control) {
      return control.type !== 'radio' && control.type !== 'hidden' && control.type !== 'file' && !(control.type === 'checkbox' && control.closest('.checks')) &&
        !control.closest('details.more');
    });
  }

  form.addEventListener('paste', function (event) {
    var row = event.target.closest && event.target.closest('[data-row]');
    var text = event.clipboardData ? event.clipboardData.getData('text') : '';
    var lines = text.replace(/\r/g, '').replace(/\n+$/, '').split('\n');
    if (!row || text.indexOf('\t') < 0) { return; }
    var group = row.closest('[data-rows]');
    var from = controls(row).indexOf(event.target);
    var at = rows(group).indexOf(row);
    if (from < 0) { return; }
    event.preventDefault();
    lines.slice(0, 64).forEach(function (line, i) {
      var target = rows(group)[at + i] || add(group);
      var list = controls(target);
      line.split('\t').forEach(function (cell, k) {
        if (list[from + k]) { put(list[from + k], cell.trim()); }
      });
    });
    changed();
  });

  /* --- needs and agencies: the same agency stands in several rows --- */
  function agencies(value) {
    return Array.prototype.filter.call(form.querySelectorAll('input[name="recipients"]'), function (box) {
      return box.value === value;
    });
  }

  function going() {
    var count = 0;
    document.querySelectorAll('[data-going] [data-agency]').forEach(function (row) {
      var chosen = agencies(row.dataset.agency).some(function (box) { return box.checked; });
      row.hidden = !chosen;
      count += chosen ? 1 : 0;
    });
    document.querySelectorAll('[data-going-count]').forEach(function (text) {
      text.textContent = String(count);
    });
  }

  form.addEventListener('change', function (event) {
    var box = event.target;
    var row = box.closest('tr[data-needs]');
    if (box.name === 'recipients' || box.name === 'facts.needs') { /* who is asked for what: the server says it anew */
      document.querySelectorAll('[data-asked]').forEach(function (text) { text.hidden = true; });
    }
    if (box.name === 'recipients' && box.type === 'checkbox') {
      agencies(box.value).forEach(function (other) { other.checked = box.checked; });
    } else if (box.name === 'facts.needs' && row && box.checked) {
      var all = row.querySelectorAll('input[name="recipients"]');
      var any = Array.prototype.some.call(all, function (one) { return one.checked; });
      if (!any && all.length > 0) {
        agencies(all[0].value).forEach(function (other) { other.checked = true; });
      }
    }
    going();
  });
  going();
}());
