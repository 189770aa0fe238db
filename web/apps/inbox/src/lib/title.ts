/** The tab tells how much waits, in its title and on its icon, also while it lies behind others. */
const PLAIN = (document.querySelector('link[rel="icon"]') as HTMLLinkElement | null)?.href ?? '';
let shown = -1;

export function badge(count: number): void {
  const link = document.querySelector<HTMLLinkElement>('link[rel="icon"]');
  const most = Math.min(count, 10);
  if (!link || shown === most) return;
  shown = most;
  if (count === 0) {
    link.href = PLAIN;
    return;
  }
  const image = new Image();
  image.onload = () => {
    if (shown === most) link.href = drawn(image, count);
  };
  image.src = PLAIN;
}

function drawn(image: HTMLImageElement, count: number): string {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 64;
  const pen = canvas.getContext('2d');
  if (!pen) return PLAIN;
  pen.drawImage(image, 0, 0, 64, 64);
  pen.fillStyle = '#b3402f';
  pen.beginPath();
  pen.arc(44, 44, 20, 0, 2 * Math.PI);
  pen.fill();
  pen.fillStyle = '#fff';
  pen.font = '600 26px system-ui, sans-serif';
  pen.textAlign = 'center';
  pen.textBaseline = 'middle';
  pen.fillText(count > 9 ? '9+' : String(count), 44, 46);
  return canvas.toDataURL('image/png');
}
