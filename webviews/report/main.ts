/** The report's page: brings its charts, its pairs of views, its theme switch and its copy buttons to life. Without it the page still reads as text, pictures and tables. */
import type { ReportPage } from '../../backend/protocol.ts';
import { drawCharts } from './charts.ts';
import { showPairs } from './pairs.ts';
import { followTheme } from './theme.ts';
import './report.css';

function enableCopying(): void {
  for (const button of document.querySelectorAll<HTMLButtonElement>('[data-copy]')) {
    const say = (text: string): void => {
      button.textContent = text;
      setTimeout(() => (button.textContent = 'Copy'), 1600);
    };
    button.addEventListener('click', () => {
      const text = button.dataset.copy ?? '';
      // A page opened from a folder may have no clipboard; the text is then marked for the reader to copy.
      const select = (): void => {
        const code = button.previousElementSibling;
        if (code) getSelection()?.selectAllChildren(code);
        say('Selected');
      };
      if (!navigator.clipboard) select();
      else navigator.clipboard.writeText(text).then(() => say('Copied'), select);
    });
  }
}

const embedded = document.getElementById('page')?.textContent ?? '{"curves":[],"pairs":[]}';
const page = JSON.parse(embedded) as ReportPage;
enableCopying();
const redraw = [drawCharts(page.curves), showPairs(page.pairs)];
followTheme(() => redraw.forEach((draw) => draw()));
