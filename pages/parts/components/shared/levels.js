// What the walk and the pad share: pictures as numbers from 0 to 1, painted in the theme's ink or in their own colours.
// Python puts latent_common.js before this file and the part after it.

const FILES = (globalThis.fewLabelsDrawing ??= new Map()); // address -> promise; what was fetched last at the end
const FILES_KEPT = 4;

function fetched(url, read) {
  if (!FILES.has(url)) {
    const promise = read(url);
    promise.catch(() => FILES.delete(url)); // asked for again the next time
    FILES.set(url, promise);
    if (FILES.size > FILES_KEPT) FILES.delete(FILES.keys().next().value);
  }
  return FILES.get(url);
}

function bytesOf(url) {
  return fetched(url, async (address) => {
    const answer = await fetch(address);
    if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
    return answer.arrayBuffer();
  });
}

// A sheet of tiles as numbers: {values, width, channels}; colours are kept as three numbers a pixel.
function sheetOf(url, grey) {
  return fetched(url, async (address) => {
    const image = new Image();
    image.src = address;
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = image.naturalWidth;
    canvas.height = image.naturalHeight;
    const ctx = canvas.getContext("2d", { willReadFrequently: true });
    ctx.drawImage(image, 0, 0);
    const all = ctx.getImageData(0, 0, canvas.width, canvas.height).data;
    const channels = grey ? 1 : 3;
    const values = new Uint8Array((all.length / 4) * channels);
    for (let i = 0; i < all.length / 4; i++) {
      for (let c = 0; c < channels; c++) values[i * channels + c] = all[4 * i + c];
    }
    return { values, width: canvas.width, channels };
  });
}

// One tile of a sheet, as levels 0 to 255, pixel by pixel.
function tileOf(sheet, [h, w], row, column) {
  const c = sheet.channels;
  const out = new Float32Array(h * w * c);
  for (let y = 0; y < h; y++) {
    const from = ((row * h + y) * sheet.width + column * w) * c;
    out.set(sheet.values.subarray(from, from + w * c), y * w * c);
  }
  return out;
}

// The colour in which a class's strokes are drawn: nearer to the text's, as generated strokes are faint.
function inkOf(colour, theme) {
  return mix(rgb(colour), theme.text, 0.22);
}

// Levels 0 to 255 onto a canvas of h x w: grey ones as ink on nothing, others as they are.
function paint(ctx, levels, [h, w], ink, x = 0, y = 0) {
  const picture = ctx.createImageData(w, h);
  const out = picture.data;
  const grey = levels.length === h * w;
  for (let i = 0; i < h * w; i++) {
    for (let c = 0; c < 3; c++) out[4 * i + c] = grey ? ink[c] : levels[3 * i + c];
    out[4 * i + 3] = grey ? levels[i] : 255;
  }
  ctx.putImageData(picture, x, y);
}

function savePng(canvas, name) {
  canvas.toBlob((blob) => {
    const link = element("a", { href: URL.createObjectURL(blob), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }, "image/png");
}

// Words in lines no wider than `width`.
function wrap(ctx, text, width) {
  const lines = [""];
  for (const word of text.split(/\s+/)) {
    const longer = `${lines.at(-1)} ${word}`.trim();
    if (lines.at(-1) && ctx.measureText(longer).width > width) lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  return lines;
}

function signed(v, digits = 2) {
  const size = Math.abs(v).toFixed(digits);
  return (v < 0 && Number(size) ? "−" : "") + size;
}
