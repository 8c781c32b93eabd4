/* Soundings: the embedded survey, <soundings-survey survey="KEY" locale="ar">.
 *
 * One file, served as it is: no dependency, cookie, eval or markup from strings, so it
 * runs under a strict Content-Security-Policy with Trusted Types. Three parts:
 *   1. the outbox   an answer is on disk before it is on the wire, and leaves the disk
 *                   only when the server has named its id (or refused it for good);
 *   2. the looks    a shadow root; themed by --soundings-* custom properties, dark where
 *                   the host page declares `color-scheme: light dark`;
 *   3. the element  asks, remembers the draft, validates, reports.
 */
(() => {
  'use strict';
  if (customElements.get('soundings-survey')) return;

  const script = document.currentScript;
  const ORIGIN = script && script.src ? new URL(script.src).origin : location.origin;

  // ---------------------------------------------------------------- 1. the outbox

  const OUTBOX = 'soundings:outbox:';
  const SEND_TIMEOUT = 20_000;
  const LONGEST_PAUSE = 300_000;
  const KEEPALIVE_LIMIT = 16_000; // browsers refuse keepalive bodies beyond 64 KiB in all

  /** Storage that may be forbidden, full or absent; memory stands in. */
  function shelf(disk) {
    const memory = new Map();
    const attempt = (work, otherwise) => {
      try { return work(disk()); } catch { return otherwise; }
    };
    return {
      get: (key) => attempt((area) => area.getItem(key), null) ?? memory.get(key) ?? null,
      /** True when the value will outlive the page. */
      set(key, value) {
        this.remove(key);
        const durable = attempt((area) => { area.setItem(key, value); return true; }, false);
        if (!durable) memory.set(key, value);
        return durable;
      },
      remove(key) {
        memory.delete(key);
        attempt((area) => area.removeItem(key));
      },
      keys: () => [...attempt((area) => Object.keys(area), []), ...memory.keys()],
    };
  }
  /** What was stored or written into an attribute; null when it is not JSON. */
  function parse(text) {
    try { return JSON.parse(text); } catch { return null; }
  }
  const outbox = shelf(() => localStorage); // shared by tabs, survives the browser
  const drafts = shelf(() => sessionStorage); // one tab's: two tabs may be two orders

  const retries = new Map(); // id -> {tries, timer, notBefore}
  const watchers = new Map(); // id -> function(outcome) of the survey on this page
  const queues = new Map(); // id -> promise of the last delivery asked for in this tab

  /** Run `work` when nobody else, in this tab or another, is delivering this id. */
  function alone(id, work) {
    const locks = navigator.locks; // absent on plain http, refused in a sandboxed frame
    const turn = (queues.get(id) ?? Promise.resolve())
      .then(() => (locks ? locks.request(OUTBOX + id, work).catch(work) : work()));
    queues.set(id, turn);
    return turn;
  }

  /** Keep an answer; a partial never replaces a complete one. True when kept on disk. */
  function keep(url, body) {
    const key = OUTBOX + body.id;
    const before = parse(outbox.get(key));
    if (body.status === 'partial' && before?.body.status === 'complete') return true;
    return outbox.set(key, JSON.stringify({ url, body }));
  }

  const deliver = (id) => alone(id, async () => {
    for (;;) {
      const entry = outbox.get(OUTBOX + id);
      if (!entry) return;
      const { url, body } = JSON.parse(entry);
      const outcome = await send(url, body);
      if (outcome === 'waiting') {
        retryLater(id);
      } else if (outbox.get(OUTBOX + id) === entry) {
        outbox.remove(OUTBOX + id);
        retries.delete(id);
      } else {
        continue; // replaced while under way: deliver the newer one
      }
      if (body.status === 'complete') watchers.get(id)?.(outcome);
      return;
    }
  });

  /** One attempt: 'done', 'closed', 'refused' (for good) or 'waiting' (try again). */
  async function send(url, body) {
    const retry = retries.get(body.id);
    if (retry && Date.now() < retry.notBefore) return 'waiting';
    const payload = JSON.stringify(body);
    try {
      const reply = await fetch(url, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: payload,
        credentials: 'omit',
        keepalive: payload.length < KEEPALIVE_LIMIT,
        signal: AbortSignal.timeout(SEND_TIMEOUT),
      });
      // A captive portal also says 200 or 403: only a reply that names the id is an
      // acknowledgement, only a problem document is a refusal.
      const { ok, status, headers } = reply;
      if (ok) return (await reply.json()).id === body.id ? 'done' : 'waiting';
      const problem = headers.get('Content-Type')?.startsWith('application/problem+json');
      if (problem && status < 500 && ![408, 425, 429].includes(status)) {
        return { 404: 'closed', 409: 'done', 410: 'closed' }[status] ?? 'refused';
      }
      const seconds = Number(headers.get('Retry-After'));
      if (seconds > 0) {
        retries.set(body.id, { ...retry, notBefore: Date.now() + seconds * 1000 });
      }
    } catch { /* offline, cut off or timed out: the entry stays */ }
    return 'waiting';
  }

  function retryLater(id) {
    const { tries = 0, timer, notBefore = 0 } = retries.get(id) ?? {};
    const pause = Math.min(LONGEST_PAUSE, 1000 * 2 ** tries) * (0.5 + Math.random() / 2);
    clearTimeout(timer);
    retries.set(id, {
      tries: tries + 1,
      notBefore,
      timer: setTimeout(deliver, Math.max(pause, notBefore - Date.now()), id),
    });
  }

  function deliverAll() {
    if (document.visibilityState === 'hidden') return;
    for (const key of outbox.keys()) {
      if (key.startsWith(OUTBOX)) deliver(key.slice(OUTBOX.length));
    }
  }
  addEventListener('online', deliverAll);
  document.addEventListener('visibilitychange', deliverAll);
  addEventListener('storage', ({ key, oldValue, newValue }) => {
    if (!key?.startsWith(OUTBOX) || newValue !== null || !oldValue) return;
    const { body } = JSON.parse(oldValue); // another tab has delivered it
    if (body.status === 'complete') watchers.get(body.id)?.('done');
  });

  /** A version 4 UUID; crypto.randomUUID does not exist on plain http. */
  function uuid() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  }

  // ---------------------------------------------------------------- 2. the looks

  const looks = new CSSStyleSheet();
  looks.replaceSync(`
    /* em, never rem: the root font size is the host page's affair. */
    :host {
      display: block; inline-size: 100%; max-inline-size: 46em; container-type: inline-size;
      text-align: start;
    }
    :host([hidden]) { display: none; }
    *, ::before, ::after { box-sizing: border-box; }
    p, fieldset { margin: 0; padding: 0; border: 0; min-inline-size: 0; }
    .card {
      --accent: var(--soundings-accent, light-dark(#0b5563, #66c9cd));
      --on-accent: var(--soundings-on-accent, light-dark(#fff, #04252c));
      --warm: var(--soundings-warm, light-dark(#c8560f, #f6a566));
      --surface: var(--soundings-surface, light-dark(#fff, #10282f));
      --ink: var(--soundings-text, light-dark(#12303a, #e6f1f1));
      --muted: var(--soundings-muted, light-dark(#4d666e, #a4bcc1));
      --line: var(--soundings-line, light-dark(#7f979d, #62818a));
      --wash: var(--soundings-wash, light-dark(#dcebec, #1b424b));
      --error: var(--soundings-error, light-dark(#a3231a, #ffb0a4));
      --round: var(--soundings-radius, .75em);
      display: grid; grid-template-columns: minmax(0, 1fr); position: relative; overflow: hidden;
      line-height: 1.5; overflow-wrap: anywhere; hyphens: auto;
      color: var(--ink); background: var(--surface); border-radius: calc(var(--round) * 5 / 3);
      box-shadow: 0 0 0 1px color-mix(in srgb, var(--line) 35%, transparent),
        0 1em 2.5em -1.75em rgb(4 37 44 / .45);
      outline: 1px solid transparent;
    }
    .card > * { grid-area: 1 / 1; padding: clamp(.75em, 4cqi, 2em); }
    form, .questions {
      display: grid; grid-template-columns: minmax(0, 1fr); gap: 1.75em; align-content: start;
    }
    .title {
      display: flex; align-items: center; gap: .625em; color: var(--muted); font-size: .875em;
    }
    .title::before {
      content: ""; flex: none; inline-size: 1.5em; block-size: .75em;
      background: radial-gradient(circle at 50% 100%, var(--warm) 2px, transparent 2.5px 4px,
        var(--accent) 4.5px 6.5px, transparent 7px 9px, var(--warm) 9.5px 11.5px, transparent 12px);
    }
    legend, label.ask {
      display: block; inline-size: 100%; overflow-wrap: anywhere; padding: 0;
      margin-block-end: .875em;
      font-size: 1.125em; font-weight: 600; line-height: 1.4; text-wrap: pretty;
    }
    .optional {
      font-size: .72em; font-weight: 400; color: var(--muted); margin-inline-start: .375em;
    }
    .scale {
      display: grid; grid-auto-flow: column; grid-auto-columns: minmax(0, 1fr); gap: .375em;
    }
    .option { position: relative; display: block; }
    .option input {
      position: absolute; inset: 0; inline-size: 100%; block-size: 100%;
      margin: 0; opacity: 0; cursor: pointer; z-index: 1;
    }
    .option span {
      display: grid; place-items: center; block-size: 100%; min-block-size: max(3em, 44px);
      padding-block: .375em; border: 1px solid var(--line); border-radius: var(--round);
      text-align: center; font-variant-numeric: tabular-nums; white-space: nowrap;
      position: relative; /* above its neighbours with its ring of focus */
    }
    .words { gap: .5em; grid-auto-flow: row; }
    .words span {
      justify-items: start; padding-inline: .75em; line-height: 1.3; text-align: start;
      white-space: normal;
    }
    .option:has(~ .option :checked) span { background: var(--wash); }
    .option input:hover + span { border-color: var(--accent); background: var(--wash); }
    .option input:checked + span {
      color: var(--on-accent); background: var(--accent); border-color: var(--accent);
      font-weight: 700;
    }
    .words + .anchors { display: none; } /* the options say it already */
    .option input:focus-visible + span, textarea:focus-visible, button:focus-visible {
      outline: 3px solid var(--warm); outline-offset: 2px; z-index: 2;
    }
    .anchors {
      display: flex; justify-content: space-between; gap: 0 1.5em; margin-block-start: .5em;
      overflow-wrap: normal;
      font-size: .875em; color: var(--muted); line-height: 1.35;
    }
    .anchors :last-child { text-align: end; margin-inline-start: auto; }
    .anchors b, .sr {
      position: absolute; inline-size: 1px; block-size: 1px; overflow: hidden;
      clip-path: inset(50%);
    }
    @container (min-width: 38em) { /* five answers in words stand side by side, seven can't */
      .words:not(:has(:nth-child(6))) {
        grid-auto-flow: column; grid-auto-columns: minmax(min-content, 1fr);
        span {
          justify-items: center; padding-inline: .5em; text-align: center;
          overflow-wrap: break-word;
        }
      }
    }
    @container (max-width: 30em) {
      .scale:not(.words) {
        gap: 0;
        span { border-radius: 0; margin-inline-start: -1px; }
        :first-child span {
          border-start-start-radius: var(--round); border-end-start-radius: var(--round); margin: 0;
        }
        :last-child span {
          border-start-end-radius: var(--round); border-end-end-radius: var(--round);
        }
      }
      button { inline-size: 100%; }
    }
    @container (max-width: 17.9em) {
      .scale:not(.words) {
        grid-auto-flow: row; grid-template-columns: repeat(6, 1fr); /* 0 … 5, 6 … 10 */
        gap: .25em;
        .option span { border-radius: .5em; margin: 0; }
      }
      .anchors { flex-wrap: wrap; }
    }
    textarea {
      display: block; inline-size: 100%; min-block-size: 6.5em; max-block-size: 24em;
      padding: .75em .875em;
      font: inherit; line-height: 1.5; color: inherit; background: transparent; resize: vertical;
      border: 1px solid var(--line); border-radius: var(--round); field-sizing: content;
    }
    textarea:hover { border-color: var(--accent); }
    .error {
      color: var(--error); font-weight: 600; font-size: .9375em; margin-block-start: .625em;
    }
    .error:empty { display: none; }
    [aria-invalid=true] .option span, textarea[aria-invalid=true] { border-color: var(--error); }
    .finish { display: grid; gap: 1em; justify-items: start; }
    button {
      min-block-size: max(3em, 44px); padding: .625em min(1.75em, 6cqi); cursor: pointer;
      font: inherit; font-weight: 650; color: var(--on-accent); background: var(--accent);
      border: 1px solid transparent; border-radius: var(--round);
    }
    button:is(:hover, [aria-disabled=true]) {
      background: color-mix(in srgb, var(--accent) 86%, var(--ink));
    }
    [aria-disabled=true] { cursor: progress; }
    .privacy {
      font-size: .8125em; color: var(--muted); white-space: pre-line; max-inline-size: 65ch;
    }
    .panel {
      display: grid; gap: 1.25em; align-content: center; justify-items: center;
      text-align: center; pointer-events: none;
    }
    .card.over > form { visibility: hidden; }
    .card.over > .panel {
      pointer-events: auto;
      background: repeating-radial-gradient(circle at 50% 100%,
        transparent 0 36px, var(--wash) 36.5px 37.5px, transparent 38px);
    }
    .panel .status {
      max-inline-size: 34em; padding: .75em 1.5em; border-radius: 1em;
      background: var(--surface); outline: 0;
    }
    .panel .status:empty, .panel .status:has(.sr) { padding: 0; background: none; }
    .headline { font-size: 1.5em; font-weight: 650; line-height: 1.3; }
    .status p + p { margin-block-start: .375em; color: var(--muted); }
    .card[aria-busy] { min-block-size: 27em; }
    @media (prefers-reduced-motion: no-preference) {
      .card.over > .panel { animation: rise .35s ease-out; }
    }
    @keyframes rise { from { opacity: 0; transform: translateY(.5em); } }
    @media (forced-colors: active) {
      .option input:checked + span {
        forced-color-adjust: none; color: HighlightText; background: Highlight;
        border-color: Highlight;
      }
      .option input:focus-visible + span { outline-color: CanvasText; }
      .title::before { display: none; }
      .card.over > .panel { background: none; }
    }
  `);

  /** An element with attributes (true: empty, false or null: absent) and children. */
  function h(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value != null && value !== false) node.setAttribute(name, value === true ? '' : value);
    }
    node.append(...children.filter((child) => child != null));
    return node;
  }

  // ---------------------------------------------------------------- 3. the element

  const PARTIAL_AFTER = 800; // ms of rest after a score before the partial answer leaves
  const PAUSES = [2, 5, 15, 60, 300]; // s between attempts to load a definition

  class SoundingsSurvey extends HTMLElement {
    static observedAttributes = ['survey', 'locale'];
    #root; #survey; #draft; #draftKey; #form; #status; #timer;
    #state = 'asking'; // asking, sending, waiting, done, closed
    #turn = 0;

    connectedCallback() {
      document.addEventListener('visibilitychange', this);
      addEventListener('pagehide', this);
      this.#root ??= this.attachShadow({ mode: 'open' });
      this.#root.adoptedStyleSheets = [looks];
      if (!this.#survey) this.#open();
    }

    disconnectedCallback() {
      document.removeEventListener('visibilitychange', this);
      removeEventListener('pagehide', this);
      if (this.#timer) this.#sendPartial();
    }

    attributeChangedCallback(name, before, after) {
      if (!this.#root || before === after) return;
      if (name === 'survey') this.#state = 'asking';
      this.#open();
    }

    /** A page that is left mid-way still reports the scores it was given. */
    handleEvent({ type }) {
      const leaving = type === 'pagehide';
      if (this.#timer && (leaving || document.hidden)) this.#sendPartial({ leaving });
    }

    get #address() {
      const server = this.getAttribute('server') || ORIGIN;
      const key = encodeURIComponent(this.getAttribute('survey'));
      return new URL(`/api/v1/public/surveys/${key}`, server);
    }

    /** Read the definition: from the attribute (hosted page) or from the server. */
    async #open() {
      const turn = ++this.#turn; // a later call overtakes this one
      const given = this.getAttribute('definition');
      if (given) return this.#show(parse(given));
      if (!this.#survey) this.#root.replaceChildren(this.childElementCount
        ? h('slot') : h('div', { class: 'card', 'aria-busy': 'true' }));
      const url = this.#address;
      url.searchParams.set('locale', this.getAttribute('locale')
        || document.documentElement.lang || navigator.language);
      for (let tries = 0; turn === this.#turn && this.isConnected; tries += 1) {
        const reply = await fetch(url, { credentials: 'omit' }).catch(() => null);
        const survey = reply?.ok ? await reply.json().catch(() => null) : null;
        if (turn !== this.#turn) return;
        if (survey) return this.#show(survey);
        if (!this.#survey) this.#root.replaceChildren(h('slot')); // give the space back
        if (reply && reply.status < 500 && reply.status !== 429) return;
        await new Promise((resolve) => {
          setTimeout(resolve, 1000 * PAUSES[Math.min(tries, PAUSES.length - 1)]);
          addEventListener('online', resolve, { once: true });
        });
      }
    }

    #show(survey) {
      this.#survey = survey;
      clearTimeout(this.#timer);
      // Another page or customer is another answer; another language is not.
      const whose = [this.#address, location.pathname, this.getAttribute('customer') ?? ''];
      this.#draftKey = `soundings:draft:${whose.join(' ')}`;
      this.#draft = parse(drafts.get(this.#draftKey)) ?? { id: uuid(), answers: {} };
      this.#draft.answers = Object.fromEntries(survey.questions // the survey may have changed
        .map(({ key, choices }) => [key, this.#draft.answers[key], choices])
        .filter(([, value, choices]) => value !== undefined
          && (!choices || choices.some((choice) => choice.value === value))));
      watchers.set(this.#draft.id, (outcome) => this.#settle(outcome));
      this.#draw();
      if (this.#draft.sent && this.#state === 'asking') { // reloaded after Send
        this.#state = 'waiting';
        if (!outbox.get(OUTBOX + this.#draft.id)) return this.#settle('done');
        deliver(this.#draft.id);
      }
      if (this.#state !== 'asking') this.#say(this.#state);
    }

    #draw() {
      const { texts, title, privacy, questions, locale, dir } = this.#survey;
      this.#form = h('form', { novalidate: true },
        this.getAttribute('channel') === 'link' ? null : h('p', { class: 'title' }, title),
        h('div', { class: 'questions' }, ...questions.map((question) => this.#question(question))),
        h('div', { class: 'finish' },
          h('p', { class: 'error', role: 'alert' }),
          h('button', { type: 'submit' }, texts.send),
          privacy?.text ? h('p', { class: 'privacy' }, privacy.text) : null));
      this.#status = h('div', { class: 'status', role: 'status', tabindex: '-1' });
      this.#form.addEventListener('input', (event) => this.#note(event.target));
      this.#form.addEventListener('submit', (event) => {
        event.preventDefault();
        if (this.#state === 'asking') this.#submit();
      });
      const card = { class: 'card', lang: locale, dir, 'aria-label': title };
      this.#root.replaceChildren(
        h('section', card, this.#form, h('div', { class: 'panel' }, this.#status)));
    }

    #question(question) {
      const { key, kind, text, required } = question;
      const { optional } = this.#survey.texts;
      const mark = required ? [] : [' ', h('span', { class: 'optional' }, optional)];
      const error = h('p', { class: 'error', id: `${key}-error` });
      if (kind === 'comment') {
        const area = h('textarea', {
          id: key, name: key, rows: 4, dir: 'auto', maxlength: question.max_length,
          'aria-describedby': error.id, 'aria-required': String(required),
        });
        area.value = this.#draft.answers[key] ?? '';
        return h('div', {}, h('label', { class: 'ask', for: key }, text, ...mark), area, error);
      }
      return h('fieldset', {
        role: 'radiogroup', 'aria-required': String(required),
        'aria-describedby': `${key}-low ${key}-high ${key}-error`,
      }, h('legend', {}, text, ...mark), this.#scale(question), this.#anchors(question), error);
    }

    #scale({ key, choices }) {
      const options = choices.map(({ value, label }) => {
        const radio = h('input', { type: 'radio', name: key, value });
        radio.checked = this.#draft.answers[key] === value;
        return h('label', { class: 'option' }, radio, h('span', {}, label));
      });
      const words = choices.some(({ label }) => label.length > 3);
      return h('div', { class: words ? 'scale words' : 'scale' }, ...options);
    }

    #anchors({ key, choices, low, high }) {
      if (!low && !high) return null;
      const anchor = (end, { label }, text) => // heard as "0 Not at all likely"
        h('span', { id: `${key}-${end}` }, h('b', {}, `${label} `), text);
      return h('p', { class: 'anchors' },
        anchor('low', choices[0], low), anchor('high', choices.at(-1), high));
    }

    /** Remember what was just entered; scores also leave as a partial answer. */
    #note({ name, value, type }) {
      if (type === 'radio') {
        this.#draft.answers[name] = Number(value);
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.#sendPartial(), PARTIAL_AFTER);
      } else if (value.trim()) {
        this.#draft.answers[name] = value.toWellFormed?.() ?? value; // half an emoji is no text
      } else {
        delete this.#draft.answers[name];
      }
      this.#remember();
      this.#mark(name, '');
    }

    #remember() {
      drafts.set(this.#draftKey, JSON.stringify(this.#draft));
    }

    #mark(key, message) {
      const error = this.#root.getElementById(`${key}-error`);
      const field = error.parentNode.querySelector('textarea') ?? error.parentNode;
      error.textContent = message;
      if (message) field.setAttribute('aria-invalid', 'true');
      else field.removeAttribute('aria-invalid');
    }

    /** Keep and send; a page that is going away has no time left to wait its turn. */
    #post(status, answers, { leaving } = {}) {
      const url = `${this.#address}/responses?channel=${this.getAttribute('channel') || 'widget'}`;
      const body = {
        id: this.#draft.id, status, answers, locale: this.#survey.locale,
        customer: parse(this.getAttribute('customer')) ?? undefined, // a slip here loses no answer
        token: this.getAttribute('token') ?? undefined,
      };
      const durable = keep(url, body);
      if (leaving) send(url, body);
      else deliver(body.id);
      return durable;
    }

    /** The scores only: words that were typed but not sent stay with the person. */
    #sendPartial(options) {
      clearTimeout(this.#timer);
      this.#timer = null;
      if (this.#state !== 'asking') return;
      const scores = Object.entries(this.#draft.answers)
        .filter(([, value]) => typeof value === 'number');
      this.#post('partial', Object.fromEntries(scores), options);
    }

    #submit() {
      const { questions, texts } = this.#survey;
      const { answers } = this.#draft;
      const missing = questions.filter(({ key, required }) => required && !(key in answers));
      for (const { key, kind } of missing) {
        this.#mark(key, kind === 'comment' ? texts.required_comment : texts.required_score);
      }
      if (missing.length) {
        return this.#form.querySelector(`[name="${CSS.escape(missing[0].key)}"]`).focus();
      }
      clearTimeout(this.#timer);
      this.#timer = null;
      this.#state = 'sending';
      this.#say('sending');
      const durable = this.#post('complete', answers);
      // Only an answer on disk may be taken for sent after a reload.
      this.#draft.sent = durable;
      this.#remember();
    }

    #settle(outcome) {
      if (!['sending', 'waiting'].includes(this.#state) || outcome === this.#state) return;
      this.#state = outcome === 'refused' ? 'asking' : outcome;
      if (outcome === 'refused') {
        this.#draft.sent = false;
        this.#remember();
      } else if (outcome !== 'waiting') {
        drafts.remove(this.#draftKey);
        watchers.delete(this.#draft.id);
      }
      this.#say(outcome);
    }

    /** Show and announce a state; the focus moves only if it was inside already. */
    #say(state) {
      const { texts } = this.#survey;
      const focused = this.#root.activeElement;
      const [headline, detail] = {
        waiting: [texts.waiting, this.#draft.sent ? texts.waiting_detail : texts.waiting_open],
        done: [texts.thanks, texts.thanks_detail],
        closed: [texts.closed, texts.closed_detail],
      }[state] ?? [];
      const sending = state === 'sending';
      const button = this.#form.querySelector('button');
      button.textContent = sending ? texts.sending : texts.send;
      button.setAttribute('aria-disabled', String(sending));
      this.#form.querySelector('.questions').inert = sending;
      const alert = this.#form.querySelector('[role=alert]');
      alert.textContent = state === 'refused' ? texts.refused : '';
      this.#root.querySelector('.card').classList.toggle('over', Boolean(headline));
      this.#root.querySelector('.retry')?.remove();
      this.#status.replaceChildren(...(headline
        ? [h('p', { class: 'headline' }, headline), h('p', {}, detail)]
        : [h('p', { class: 'sr' }, sending ? texts.sending : '')]));
      if (state === 'waiting') {
        const retry = h('button', { type: 'button', class: 'retry' }, texts.retry);
        retry.addEventListener('click', async () => {
          retry.textContent = texts.sending;
          await deliver(this.#draft.id);
          retry.textContent = texts.retry;
        });
        this.#status.after(retry);
      }
      if (headline && focused) this.#status.focus();
    }
  }

  customElements.define('soundings-survey', SoundingsSurvey);
  deliverAll(); // what an earlier page could not deliver
})();
