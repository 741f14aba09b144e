// The pictures of an element as one file, as they stand on the screen.

export type Kind = 'svg' | 'png';

const properties = [
  'fill',
  'stroke',
  'stroke-width',
  'stroke-dasharray',
  'stroke-linecap',
  'stroke-linejoin',
  'paint-order',
  'opacity',
  'font-family',
  'font-size',
  'font-weight',
  'text-anchor',
];
const namespace = 'http://www.w3.org/2000/svg';
const margin = 16;
const line = 22;
const sharpness = 2; // pixels of the PNG for one of the page

/** Every SVG in `figure` in its place, under `caption`, with the colours of the page's theme. */
export function pictureOf(figure: HTMLElement, caption: string[]): SVGSVGElement {
  const frame = figure.getBoundingClientRect();
  const picture = document.createElementNS(namespace, 'svg');
  const top = margin + line * caption.length;
  let bottom = top;
  const { color, fontFamily } = getComputedStyle(figure);

  const background = document.createElementNS(namespace, 'rect');
  background.setAttribute('width', '100%');
  background.setAttribute('height', '100%');
  background.setAttribute('fill', getComputedStyle(figure.closest('.panel')!).backgroundColor);
  picture.append(background);

  for (const [index, words] of caption.entries()) {
    const text = document.createElementNS(namespace, 'text');
    text.setAttribute('x', String(margin));
    text.setAttribute('y', String(margin + 14 + line * index));
    text.setAttribute('fill', color);
    text.setAttribute('font-family', fontFamily);
    text.setAttribute('font-size', index === 0 ? '16' : '13');
    text.textContent = words;
    picture.append(text);
  }
  for (const svg of figure.querySelectorAll('svg')) {
    const place = svg.getBoundingClientRect();
    const copy = styled(svg);
    copy.setAttribute('x', String(place.left - frame.left + margin));
    copy.setAttribute('y', String(place.top - frame.top + top));
    bottom = Math.max(bottom, place.bottom - frame.top + top);
    picture.append(copy);
  }
  picture.setAttribute('xmlns', namespace);
  picture.setAttribute('width', String(Math.ceil(frame.width + 2 * margin)));
  picture.setAttribute('height', String(Math.ceil(bottom + margin)));
  return picture;
}

// Outside of the page there is no stylesheet: each element takes along what it computed to.
function styled(svg: SVGSVGElement): SVGSVGElement {
  const copy = svg.cloneNode(true) as SVGSVGElement;
  const copies = [copy, ...copy.querySelectorAll('*')];
  for (const [index, element] of [svg, ...svg.querySelectorAll('*')].entries()) {
    const style = getComputedStyle(element);
    const target = copies[index]!;
    for (const name of [...target.getAttributeNames()]) {
      if (/^(class|role|tabindex|id|aria-.*)$/.test(name)) target.removeAttribute(name);
    }
    for (const name of properties) target.setAttribute(name, style.getPropertyValue(name));
  }
  return copy;
}

export async function save(picture: SVGSVGElement, name: string, kind: Kind): Promise<void> {
  const text = new XMLSerializer().serializeToString(picture);
  const svg = new Blob([text], { type: 'image/svg+xml' });
  const file = kind === 'svg' ? svg : await rasterised(svg);
  const link = document.createElement('a');
  link.href = URL.createObjectURL(file);
  link.download = `${name}.${kind}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000); // the browser reads it after the click
}

async function rasterised(svg: Blob): Promise<Blob> {
  const url = URL.createObjectURL(svg);
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    const canvas = document.createElement('canvas');
    canvas.width = image.width * sharpness;
    canvas.height = image.height * sharpness;
    canvas.getContext('2d')!.drawImage(image, 0, 0, canvas.width, canvas.height);
    return await new Promise((resolve, reject) =>
      canvas.toBlob((png) => (png === null ? reject(new Error('no PNG')) : resolve(png)), 'image/png'),
    );
  } finally {
    URL.revokeObjectURL(url);
  }
}
