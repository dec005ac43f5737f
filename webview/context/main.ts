import type { FromPanel, ToPanel } from '../../protocol/webview.ts';
import { element } from '../ui/element.ts';
import { resultList } from './resultList.ts';

type PackMode = Extract<FromPanel, { type: 'search' }>['mode'];

interface SavedState {
  query: string;
  budget: number;
  mode?: PackMode;
}

declare function acquireVsCodeApi(): {
  postMessage(message: FromPanel): void;
  getState(): SavedState | undefined;
  setState(state: SavedState): void;
};

const modes: readonly { mode: PackMode; label: string; title: string }[] = [
  { mode: 'full', label: 'Code', title: 'The code of what is found' },
  { mode: 'map', label: 'Map', title: 'Signatures only: more files in the same budget' },
];
const budgets = [2_000, 4_000, 8_000, 16_000, 32_000, 64_000];

const editor = acquireVsCodeApi();
const saved = editor.getState();
const send = (message: FromPanel): void => editor.postMessage(message);

const query = element('textarea', {
  id: 'query',
  rows: 2,
  placeholder: 'Ask about this code: a question, an error, a name',
  'aria-label': 'Question',
  value: saved?.query ?? '',
});
const budget = element('select', { id: 'budget', title: 'Tokens of the pack', 'aria-label': 'Token budget' });
const modeButtons = modes.map(({ mode, label, title }) => {
  const input = element('input', {
    type: 'radio',
    name: 'mode',
    value: mode,
    checked: mode === (saved?.mode ?? 'full'),
  });
  return { input, label: element('label', { title, className: 'option' }, input, element('span', {}, label)) };
});
const modeToggle = element(
  'fieldset',
  { id: 'mode', className: 'toggle', 'aria-label': 'What the pack holds' },
  ...modeButtons.map(({ label }) => label),
);
const ask = element('button', { id: 'ask', type: 'submit', className: 'primary' }, 'Select Context');
const copyPack = element(
  'button',
  { id: 'copyPack', type: 'button', className: 'secondary', onclick: () => send({ type: 'copyPack' }) },
  'Copy Pack',
);
const indexLine = element('button', {
  id: 'index',
  type: 'button',
  className: 'index',
  title: 'Show the status',
  onclick: () => send({ type: 'showStatus' }),
});
const message = element('p', { id: 'message', role: 'status' });
const summary = element('div', { id: 'summary', className: 'summary', hidden: true });
const results = element('section', { id: 'results' });

function fillBudgets(chosen: number): void {
  const all = [...new Set([...budgets, chosen])].sort((a, b) => a - b);
  budget.replaceChildren(
    ...all.map((tokens) =>
      element(
        'option',
        { value: String(tokens), selected: tokens === chosen },
        `${tokens % 1000 === 0 ? `${tokens / 1000}k` : tokens} tokens`,
      ),
    ),
  );
}

const chosenMode = (): PackMode => modes[modeButtons.findIndex(({ input }) => input.checked)]?.mode ?? 'full';

function keep(): void {
  editor.setState({ query: query.value, budget: Number(budget.value), mode: chosenMode() });
}

function search(): void {
  const text = query.value.trim();
  keep();
  if (text === '') {
    say('Say in a few words what you look for.');
    query.focus();
    return;
  }
  send({ type: 'search', query: text, budget: Number(budget.value), mode: chosenMode() });
}

function say(text: string, hint: string | null = null): void {
  message.replaceChildren(text, ...(hint === null ? [] : [element('br'), hint]));
  message.hidden = text === '';
}

function clear(): void {
  results.replaceChildren();
  summary.hidden = true;
}

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

function showResults({
  query: asked,
  ranges,
  map,
  files,
  tokensUsed,
  budget: most,
  leftOut,
  partial,
  preview,
  ms,
}: Extract<ToPanel, { type: 'results' }>): void {
  if (query.value.trim() === '') query.value = asked;
  if (!preview) document.body.classList.remove('searching');
  if (preview && ranges.length === 0 && map === null) return;
  if (ranges.length === 0 && map === null) {
    clear();
    say('Nothing matches.', 'Try other words, or see in the status what is indexed.');
    return;
  }
  if (preview) say('Found by words. Comparing meanings…');
  else say(partial ? 'The index is still being made: later answers may be better.' : '');
  const meter = element('progress', { max: most, value: tokensUsed, 'aria-label': 'Budget used' });
  const left = leftOut > 0 ? `, ${leftOut.toLocaleString('en-US')} more left out` : '';
  summary.replaceChildren(
    element(
      'span',
      { className: 'total' },
      `${tokensUsed.toLocaleString('en-US')} of ${most.toLocaleString('en-US')} tokens`,
    ),
    element(
      'span',
      { className: 'rest' },
      `${map === null ? counted(ranges.length, 'range') : counted(files, 'file')}${left}, ${Math.round(ms)} ms`,
    ),
    meter,
    copyPack,
  );
  summary.hidden = false;
  results.replaceChildren(
    map === null ? resultList(ranges, send) : element('pre', { className: 'map', tabIndex: 0 }, map),
  );
}

function receive(told: ToPanel): void {
  switch (told.type) {
    case 'index':
      indexLine.textContent = told.text;
      indexLine.dataset['state'] = told.state;
      return;
    case 'searching':
      document.body.classList.add('searching');
      say('Searching…');
      return;
    case 'results':
      return showResults(told);
    case 'error':
      document.body.classList.remove('searching');
      clear();
      return say(told.message, told.hint);
    case 'budget':
      return fillBudgets(saved?.budget ?? told.budget);
    case 'focus':
      query.focus();
      query.select();
  }
}

const form = element(
  'form',
  {
    id: 'form',
    onsubmit: (event: Event) => {
      event.preventDefault();
      search();
    },
  },
  query,
  element('div', { className: 'row' }, budget, modeToggle),
  ask,
);
query.addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  search();
});
query.addEventListener('input', keep);
for (const choice of [budget, modeToggle]) {
  choice.addEventListener('change', () => {
    keep();
    if (!summary.hidden) search();
  });
}
fillBudgets(saved?.budget ?? 8_000);
document.getElementById('app')!.append(form, message, summary, results, indexLine);
say('The right code for your question, inside a token budget.');
window.addEventListener('message', (event: MessageEvent<ToPanel>) => receive(event.data));
send({ type: 'ready' });
