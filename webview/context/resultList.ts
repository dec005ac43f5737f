import type { FromPanel, PanelRange } from '../../protocol/webview.ts';
import { element } from '../ui/element.ts';

/** Moves the focus between results with the arrow keys. */
function moveFocus(event: KeyboardEvent): void {
  const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
  if (step === 0) return;
  const rows = [...document.querySelectorAll<HTMLElement>('.result .open')];
  const next = rows[rows.indexOf(document.activeElement as HTMLElement) + step];
  if (next === undefined) return;
  event.preventDefault();
  next.focus();
}

function resultRow(range: PanelRange, send: (message: FromPanel) => void): HTMLLIElement {
  const { id, path, startLine, endLine, scope, tokens, share, score } = range;
  const slash = path.lastIndexOf('/');
  const bar = element('progress', {
    className: 'score',
    max: 1,
    value: share,
    title: `score ${score.toFixed(2)}`,
    'aria-label': `score ${score.toFixed(2)}`,
  });
  const open = element(
    'button',
    {
      className: 'open',
      type: 'button',
      title: `Open ${path}:${startLine}`,
      onclick: () => send({ type: 'open', id }),
      onkeydown: moveFocus,
    },
    element(
      'span',
      { className: 'file' },
      element('span', { className: 'name' }, path.slice(slash + 1)),
      element('span', { className: 'lines' }, `:${startLine}-${endLine}`),
    ),
    element('span', { className: 'folder' }, slash < 0 ? '' : path.slice(0, slash)),
    ...(scope === '' ? [] : [element('span', { className: 'scope' }, scope)]),
    element(
      'span',
      { className: 'facts' },
      bar,
      element('span', { className: 'tokens' }, `${tokens} tokens`),
      element('span', { className: 'points' }, score.toFixed(1)),
    ),
  );
  const copy = element(
    'button',
    {
      className: 'copy',
      type: 'button',
      title: 'Copy this range',
      'aria-label': `Copy ${path} lines ${startLine} to ${endLine}`,
      onclick: () => send({ type: 'copy', id }),
    },
    'Copy',
  );
  return element('li', { className: 'result', 'data-path': path }, open, copy);
}

export function resultList(ranges: readonly PanelRange[], send: (message: FromPanel) => void): HTMLUListElement {
  return element(
    'ul',
    { className: 'results', 'aria-label': 'Results' },
    ...ranges.map((range) => resultRow(range, send)),
  );
}
