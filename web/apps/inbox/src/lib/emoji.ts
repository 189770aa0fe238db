import { storage } from './storage';

export type EmojiGroup = 'smileys' | 'people' | 'nature' | 'food' | 'things' | 'signs';

/** A chosen set; each with words in both languages, so that one finds « merci » and "thanks" alike. */
const TABLE: Record<EmojiGroup, string> = {
  smileys: `🙂 smile sourire|😀 grin happy content joie|😄 laugh happy rire|😂 joy tears laugh rire larmes|🤣 rolling laugh rire|😊 blush smile doux sourire|😉 wink clin oeil|😍 love eyes amour coeur|🥰 love hearts amour|😘 kiss bisou|😎 cool sun lunettes|🤩 star wow etoile|🤗 hug calin|🤔 think hmm penser|😅 sweat relief sueur ouf|😇 angel ange|😌 relieved calme|😴 sleep dormir|😐 neutral neutre|🙄 eyes roll yeux|😬 grimace oups|😕 confused confus|😟 worried inquiet|😢 sad cry triste pleurer|😭 cry sob pleurer|😮 surprised surpris|😱 scream peur cri|😤 annoyed agace|😡 angry colere|🤯 mind blown explose|🥳 party fete|🤒 sick malade|🫠 melt fondre|🤝 deal handshake accord`,
  people: `👍 thumbs up ok yes oui bien|👎 thumbs down no non|👌 ok perfect parfait|🙏 thanks please merci priere|👏 clap bravo|🙌 hands hooray bravo|💪 strong fort|👋 wave hello bonjour salut|✌️ peace victory paix|🤞 fingers crossed croise chance|👉 point right droite|👇 point down bas|☝️ up attention|✋ stop hand main|🫶 heart hands coeur mains|🤷 shrug sais pas|🙋 raise hand question|💁 help aide|🧑‍💻 computer work travail|👶 baby bebe|👨‍👩‍👧 family famille|💍 ring wedding mariage bague|👰 bride mariee`,
  nature: `🌞 sun soleil|🌧️ rain pluie|❄️ snow neige|🌈 rainbow arc|🌊 sea wave mer vague|🏖️ beach plage|⛰️ mountain montagne|🌸 flower blossom fleur|🌹 rose|🌿 leaf herb plante|🌳 tree arbre|🍀 luck clover chance|🐶 dog chien|🐱 cat chat|🐰 rabbit lapin|🐻 bear ours|🦊 fox renard|🐝 bee abeille|🌙 moon night lune nuit|⭐ star etoile`,
  food: `☕ coffee cafe|🍵 tea the|🍷 wine vin|🥂 cheers champagne sante|🍾 bottle champagne|🍰 cake gateau|🎂 birthday anniversaire gateau|🍫 chocolate chocolat|🥐 croissant|🥖 baguette pain|🍕 pizza|🥗 salad salade|🍓 strawberry fraise|🍎 apple pomme|🍋 lemon citron|🍽️ meal table repas`,
  things: `📦 parcel package colis|🚚 delivery truck livraison camion|📮 post poste|✉️ mail letter lettre courrier|📞 phone telephone|📱 mobile portable|💳 card pay carte paiement|💶 euro money argent|🧾 receipt invoice recu facture|🎁 gift present cadeau|🛒 cart panier|🛍️ shopping sac achats|👟 shoe chaussure basket|🥿 slipper shoe chausson|👗 dress robe|🧦 socks chaussettes|🛏️ bed room lit chambre|🛎️ bell hotel sonnette|🔑 key cle|🧳 luggage valise|✈️ plane flight avion vol|🚗 car voiture|🚆 train|🗓️ calendar date agenda|⏰ alarm clock reveil heure|📍 place pin lieu adresse|📎 clip trombone|📷 photo camera|📄 document page|🔍 search recherche|🔧 repair reparer|💡 idea idee|🔔 bell notification cloche|🎉 party congratulations fete bravo`,
  signs: `❤️ heart love coeur amour|🧡 orange heart coeur|💛 yellow heart coeur|💚 green heart coeur vert|💙 blue heart coeur bleu|💜 purple heart coeur|🤍 white heart coeur blanc|💔 broken heart coeur brise|✨ sparkles brille|🔥 fire feu|💯 hundred cent parfait|✅ check done fait oui|☑️ check box coche|❌ cross no non|⚠️ warning attention|❓ question|❗ important|➡️ right droite|⬅️ left gauche|🔄 return exchange echange retour|🆕 new nouveau|🆗 ok|♻️ recycle|💤 sleep dormir`,
};

export interface Emoji {
  symbol: string;
  words: string;
}

export const GROUPS = Object.keys(TABLE) as EmojiGroup[];

export const EMOJI: Record<EmojiGroup, Emoji[]> = Object.fromEntries(
  Object.entries(TABLE).map(([group, line]) => [
    group,
    line.split('|').map((entry) => {
      const space = entry.indexOf(' ');
      return { symbol: entry.slice(0, space), words: entry.slice(space + 1) };
    }),
  ]),
) as Record<EmojiGroup, Emoji[]>;

const ALL = GROUPS.flatMap((group) => EMOJI[group]);
const plain = (text: string) => text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();

/** Emoji each of whose wanted words begins one of its own. */
export function findEmoji(query: string): Emoji[] {
  const wanted = plain(query).split(/\s+/).filter(Boolean);
  return ALL.filter(({ words }) => {
    const own = words.split(' ');
    return wanted.every((word) => own.some((one) => one.startsWith(word)));
  });
}

const RECENT = 'comptoir.emoji';
const MOST_RECENT = 16;

export function recentEmoji(): Emoji[] {
  const symbols = (storage.get(RECENT) ?? '').split(' ').filter(Boolean);
  return symbols.map((symbol) => ALL.find((emoji) => emoji.symbol === symbol)).filter((emoji): emoji is Emoji => emoji !== undefined);
}

export function rememberEmoji(symbol: string): void {
  const symbols = [symbol, ...recentEmoji().map((emoji) => emoji.symbol).filter((other) => other !== symbol)];
  storage.set(RECENT, symbols.slice(0, MOST_RECENT).join(' '));
}
