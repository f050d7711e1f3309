/** A picture as pixels: twice as many as the page has, for as long as a canvas holds them. */

/** What browsers make of a canvas at most. */
const most = 16_000;

export type Raster = { readonly ok: true; readonly base64: string } | { readonly ok: false; readonly message: string };

export async function pngOf(svg: string): Promise<Raster> {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  try {
    await image.decode();
  } catch {
    return { ok: false, message: 'The picture could not be drawn. Its SVG can still be exported.' };
  }
  const scale = Math.min(2, most / image.width, most / image.height);
  if (scale < 0.5) return { ok: false, message: 'The history is too long for one PNG. Its SVG has all of it.' };
  const canvas = document.createElement('canvas');
  canvas.width = Math.round(image.width * scale);
  canvas.height = Math.round(image.height * scale);
  const context = canvas.getContext('2d');
  if (context === null) return { ok: false, message: 'There is no canvas to draw on.' };
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  const url = canvas.toDataURL('image/png');
  return { ok: true, base64: url.slice(url.indexOf(',') + 1) };
}
