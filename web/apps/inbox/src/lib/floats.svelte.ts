/** What floats over the whole app, one at a time. */
class Floats {
  search = $state(false);
  help = $state(false);
}

export const floats = new Floats();
