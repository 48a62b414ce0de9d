// Comfort only: every action is also a plain link or form, and works with this file missing.
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const kept = {
    get: (name) => { try { return localStorage.getItem(name); } catch { return null; } },
    set: (name, value) => { try { localStorage.setItem(name, value); } catch { /* private mode */ } },
  };

  const root = document.documentElement;
  const dress = (theme) => { if (theme) root.dataset.theme = theme; };
  dress(kept.get('theme'));
  const isDark = () => root.dataset.theme ? root.dataset.theme === 'dark'
    : matchMedia('(prefers-color-scheme: dark)').matches;

  // One key is a trap for who speaks to a computer: all can be turned off.
  const keysAreOn = () => kept.get('shortcuts') !== 'off';
  const isTyping = (at) => at.closest?.(
    'input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable], dialog[open]');
  const isShown = (element) => element.checkVisibility?.() ?? element.offsetParent !== null;

  const move = (step) => {
    const rows = $$('[data-row]').filter(isShown);
    if (!rows.length) return;
    const link = (row) => $('a', row) ?? Object.assign(row, { tabIndex: -1 });
    let at = rows.findIndex((row) => row.contains(document.activeElement));
    if (at < 0) at = rows.findIndex((row) => row.classList.contains('sel'));
    const next = rows[at < 0 ? 0 : Math.max(0, Math.min(rows.length - 1, at + step))];
    link(next)?.focus();
    next.scrollIntoView({ block: 'nearest' });
  };

  const showKeys = () => {
    $('#keys')?.showModal();
    $('#keys-title')?.focus();
  };

  let leader = false, timer;
  document.addEventListener('keydown', (event) => {
    if (!keysAreOn() || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    const pressed = leader ? `g ${event.key}` : event.key;
    leader = false;
    if (pressed === 'g') {
      leader = true;
      clearTimeout(timer);
      timer = setTimeout(() => { leader = false; }, 1200);
      return;
    }
    if (pressed === 'j' || pressed === 'k') move(pressed === 'j' ? 1 : -1);
    else if (pressed === 'x') {
      const row = document.activeElement?.closest('[data-row]') ?? $('.item.sel');
      row?.querySelector('[type=checkbox]')?.click();
    } else if (pressed === '?') showKeys();
    else if (pressed === '/') $('#search')?.focus();
    else {
      // Of several, that of the row with the ring.
      const those = $$('[data-key]').filter((e) => e.dataset.key === pressed && isShown(e));
      const row = document.activeElement?.closest('[data-row]');
      let wanted = those.find((e) => row?.contains(e)) ?? those[0];
      if (!wanted) return;
      // Never on another row than the one with the ring: that is opened first.
      if (wanted.closest('#detail')) wanted = $('#rows .item:not(.sel) a:focus') ?? wanted;
      wanted.focus();
      wanted.click();
    }
    event.preventDefault();
  });

  document.addEventListener('click', (event) => {
    const on = (selector) => event.target.closest?.(selector);
    if (on('[data-theme-toggle]')) {
      const theme = isDark() ? 'light' : 'dark';
      dress(theme);
      kept.set('theme', theme);
    }
    const shortcuts = on('[data-shortcuts]');
    if (shortcuts) kept.set('shortcuts', shortcuts.checked ? 'on' : 'off');
    if (on('[data-keys]')) showKeys();
    on('[data-close]')?.closest('dialog').close();
    on('[data-dismiss]')?.closest('.toast').remove();
  });

  // With the answer comes a new cookie: a second click would send the old one.
  document.addEventListener('submit', (event) => {
    if (!event.target.matches('[data-sent-once]')) return;
    if (event.target.dataset.sent) event.preventDefault();
    event.target.dataset.sent = 'yes';
  });
  addEventListener('pageshow', () => {  // come back to, it may be sent again
    for (const form of $$('[data-sent]')) delete form.dataset.sent;
  });

  // Badges are kept right. Numbers alone change: no row moves under a hand.
  const EVERY_SECONDS = 20;
  let isAsking = true;
  const tellMore = (waiting) => {
    const more = $('[data-more]'), before = Number(more?.dataset.more);
    if (!more || waiting === before) return;
    const by = Math.abs(waiting - before);
    $('span', more).textContent = waiting > before
      ? `${by} more ${by === 1 ? 'payment waits' : 'payments wait'}.`
      : `${by} ${by === 1 ? 'payment is' : 'payments are'} settled meanwhile.`;
    more.hidden = false;
  };
  const recount = async () => {
    const where = document.body?.dataset.counts;
    if (!where || !isAsking || document.hidden) return;
    try {
      const answer = await fetch(where);
      isAsking = !answer.redirected;  // to the door: they are signed out
      if (!answer.ok || !isAsking) return;
      const counts = await answer.json();
      for (const badge of $$('[data-count]')) {
        const number = counts[badge.dataset.count] ?? 0;
        badge.firstElementChild.textContent = number;
        badge.hidden = !number;
      }
      tellMore(counts.unmatched);
    } catch { /* out of reach: the next time */ }
  };
  setInterval(recount, EVERY_SECONDS * 1000);
  document.addEventListener('visibilitychange', recount);

  // Pages' keys as the navigation has them: there is one list.
  const nameKeys = (list) => {
    if (!list || list.dataset.full) return;
    list.dataset.full = 'yes';
    for (const link of $$('.side [data-key]')) {
      const [key, page] = ['dt', 'dd'].map((tag) => document.createElement(tag));
      key.append(Object.assign(document.createElement('kbd'), { textContent: link.dataset.key }));
      page.textContent = [...link.childNodes].filter((n) => n.nodeType === 3).map((n) => n.data).join('');
      list.append(key, page);
    }
  };

  // The address names what is shown, and not what was done or refused before it.
  const nameHere = () => {
    const here = $('[data-here]')?.dataset.here;
    if (!here || here === location.pathname + location.search) return;
    history.replaceState(history.state, '', here + location.hash);
  };

  const ready = () => {
    nameKeys($('#keys dl'));
    nameHere();
    const box = $('[data-shortcuts]');
    if (box) box.checked = keysAreOn();
    for (const hidden of $$('[data-needs-script]')) hidden.hidden = false;
    for (const chip of $$('.chips > [aria-current]')) {  // where they go on beyond the edge
      chip.parentElement.scrollLeft = chip.offsetLeft - chip.parentElement.offsetLeft - 16;
    }
    $('[data-first-error]:not([autofocus])')?.focus();
  };
  if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', ready);
  else ready();

  // A row was opened in place: go there.
  document.addEventListener('htmx:after:swap', (event) => {
    ready();
    const target = event.detail?.ctx?.target;
    if (target?.id !== 'work' && target !== '#work') return;
    $('[data-opened]')?.remove();  // another one is opened now than was said
    $('#detail-title')?.focus({ preventScroll: matchMedia('(min-width: 56rem)').matches });
  });
})();
