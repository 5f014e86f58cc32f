/** The columns as one picture, for the clipboard or a file. */
import type { LookCalls, LookNotice, LookOpen } from '../../backend/protocol.ts';
import { messageOf, type Host } from '../common/messaging.ts';
import type { Page } from './page.ts';
import type { Shown } from './shown.ts';
import { pictureOfColumns } from './snapshot.ts';

const snapshot = (shown: readonly Shown[]): Promise<Blob> => pictureOfColumns(shown.map(({ column }) => column.snapshot()));

export async function copyPicture(shown: readonly Shown[], page: Page): Promise<void> {
  try {
    // Given as a promise, so that the click still counts as one when it is there.
    await navigator.clipboard.write([new ClipboardItem({ 'image/png': snapshot(shown) })]);
    page.say('The picture is on the clipboard.');
  } catch (error) {
    page.trouble(`The picture cannot be copied here (${messageOf(error)}): save it instead.`);
  }
}

/** `subject` names the file. */
export async function savePicture(shown: readonly Shown[], page: Page, host: Host<LookCalls, LookOpen, LookNotice>, subject: string): Promise<void> {
  try {
    const bytes = await (await snapshot(shown)).arrayBuffer();
    const saved = await host.ask('savePicture', { name: `correspondence-${subject.replace(/[^\w-]+/g, '-').slice(0, 40)}`, bytes }, { patient: true });
    if (saved !== null) page.say(`Saved as ${saved}.`);
  } catch (error) {
    page.trouble(messageOf(error));
  }
}
