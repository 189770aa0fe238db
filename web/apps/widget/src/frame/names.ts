import type { Face } from '../core/wire';

/** First names of the first faces, as they stand beside them. */
export function firstNames(faces: Face[], most = 3): string {
  return faces
    .slice(0, most)
    .map((face) => face.name.split(' ')[0])
    .join(', ');
}
