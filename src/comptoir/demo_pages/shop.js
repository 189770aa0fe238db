// A little life for the demonstration pages: choosing, and a basket that counts. Nothing is stored and nothing is sent.
const form = document.querySelector('[data-choose]');
if (form) {
  const stage = document.querySelector('.stage');
  form.addEventListener('change', () => {
    const wish = new FormData(form);
    const size = form.querySelector('[data-size]');
    if (size) size.textContent = wish.get('size');
    if (stage && wish.get('hue')) stage.className = `stage ${wish.get('hue')}`;
  });
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const count = document.querySelector('.basket b');
    if (count) count.textContent = String(Number(count.textContent) + 1);
    const said = form.querySelector('[data-said]');
    if (said) said.textContent = said.dataset.said.replace('{size}', String(new FormData(form).get('size')));
  });
}
