/** The thread that renders generated images and writes them: one task at a time, one reply for each. */
import { parentPort } from 'node:worker_threads';
import sharp from 'sharp';
import { endOfTasks, type RenderReply, type RenderTask } from './generate.ts';
import { renderImage } from './scene.ts';

async function render(task: RenderTask): Promise<RenderReply> {
  const { size, format, images } = task;
  try {
    for (const { key, path } of images) {
      const image = sharp(renderImage(key, size), { raw: { width: size, height: size, channels: 3 } });
      await (format === 'png' ? image.png() : image.jpeg({ quality: 92, chromaSubsampling: '4:4:4' })).toFile(path);
    }
    return { done: images.length };
  } catch (error) {
    return { error: `Generated images could not be written to ${images[0]?.path ?? 'a file'}: ${(error as Error).message}` };
  }
}

parentPort?.on('message', (task: RenderTask | typeof endOfTasks) => {
  if (task === endOfTasks) parentPort?.close();
  else void render(task).then((reply) => parentPort?.postMessage(reply));
});
