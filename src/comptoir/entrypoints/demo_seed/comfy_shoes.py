"""Comfy Shoes: slippers, their sizes, returns and promotions."""

# ruff: noqa: E501 -- both languages of a line stand side by side

from comptoir.entrypoints.demo_seed.scripts import Business, Topic

_SIZES = Topic(
    labels=("size",),
    weight=3.2,
    page="sizes.html",
    steps=(
        (
            "c: Bonjour, je fais du {size} en baskets. Quelle pointure dois-je prendre pour la {model} ? || Hello, I wear a {size} in trainers. Which size should I take for the {model}?\na: Bonjour. La {model} chausse normalement, prenez votre {size} habituel. || Hello. The {model} is true to size, so take your usual {size}.",
            "c: Bonjour || Hi\nc: J’hésite entre deux tailles pour la {model}, je suis entre le {size} et la pointure au-dessus || I can’t decide between two sizes of the {model}, I am between {size} and the one above\na: Bonjour, entre deux pointures prenez la plus grande : le feutre se fait au pied en quelques soirs. || Hello, between two sizes take the larger one: the felt settles to your foot in a few evenings.",
            "c: Est-ce que la {model} taille petit ? || Does the {model} run small?\na: Bonjour et merci de votre message. Elle est un peu étroite, oui. Quelle est la longueur de votre pied, talon au mur ? || Hello, and thank you for writing. It is a little narrow, yes. How long is your foot, with the heel against a wall?\nc: {cm} cm || {cm} cm\na: Alors un {size} sera parfait. || Then a {size} will be perfect.",
        ),
        (
            "c: J’ai le pied assez large || My feet are rather wide\na: Dans ce cas la Nuage est plus confortable que la Safi, qui est étroite. || In that case the Nuage is more comfortable than the Safi, which is narrow.",
            "c: Et avec des chaussettes épaisses ? || And with thick socks?\na: Prenez alors une pointure de plus, surtout en hiver. || Then take one size more, especially in winter.\nc: Bonne idée || Good idea",
            "c: C’est pour offrir, si ça ne va pas je peux échanger ? || It’s a present. If they don’t fit, can I exchange them?\na: Bien sûr, l’échange est gratuit pendant soixante jours, même si elles ont été portées à la maison. || Of course, exchanging is free for sixty days, even if they were worn at home.",
        ),
        (
            "c: Il reste du {size} en {colour} ? || Is there a {size} left in {colour}?\na: Oui, il en reste {few}. Je peux vous en mettre une paire de côté jusqu’à demain soir. || Yes, there are {few} left. I can put a pair aside for you until tomorrow evening.\nc: Oui s’il vous plaît || Yes please\nn: Mise de côté : {model} {size} {colour}, jusqu’à demain 19 h || Put aside: {model} {size} {colour}, until tomorrow 19:00",
            "c: La {colour} est-elle comme sur la photo ? || Is the {colour} like in the picture?\na: Un peu plus sourde à la lumière du jour. Je vous envoie une photo de l’atelier si vous voulez. || A little quieter in daylight. I can send you a picture from the workshop if you like.\nc: Non merci, ça ira || No thanks, that is fine",
        ),
    ),
    chance=(1, 0.75, 0.5),
)

_RETURN = Topic(
    labels=("return",),
    weight=2.6,
    page="returns.html",
    urgent=0.12,
    steps=(
        (
            "c: Bonjour, je voudrais renvoyer ma paire, commande {order} || Hello, I would like to send my pair back, order {order}\na: Bonjour, bien sûr. L’étiquette prépayée est sous le papier de soie, au fond de la boîte. || Hello, of course. The prepaid label is under the tissue paper, at the bottom of the box.",
            "c: Je n’ai pas trouvé d’étiquette de retour dans la boîte || I could not find a return label in the box\na: Désolé, elle a dû rester à l’atelier. Quel est votre numéro de commande ? || I am sorry, it must have stayed at the workshop. What is your order number?\nc: {order} || {order}\nn: Étiquette manquante, {order}. Renvoyée par courriel. || Label missing, {order}. Sent again by e-mail.\na: Merci. Je viens de vous l’envoyer par courriel, imprimable en noir et blanc. || Thank you. I have just sent it by e-mail, black and white will do.",
            "c: Les {model} sont un peu grandes, je peux les échanger contre du {size} ? || The {model} are a little large, can I exchange them for a {size}?\na: Oui, sans frais. Collez l’étiquette et notez « échange {size} » dessus, nous expédions dès que le transporteur l’a scannée. || Yes, free of charge. Stick on the label and write “exchange {size}” on it; the new pair leaves as soon as the carrier scans it.",
        ),
        (
            "c: Je les ai portées deux soirs à la maison, ça pose problème ? || I wore them two evenings at home, is that a problem?\na: Aucun. Essayer chez soi, c’est fait pour. || None at all. Trying them at home is what it is for.\nc: Très bien || Great",
            "c: Quel point relais ? || Which drop-off point?\na: N’importe lequel, la liste est au dos de l’étiquette. Gardez le reçu jusqu’au remboursement. || Any of them, the list is on the back of the label. Keep the receipt until you are refunded.",
        ),
        (
            "c: Quand serai-je remboursé ? || When will I be refunded?\na: Deux jours ouvrés après l’arrivée à l’atelier, sur votre carte. || Two working days after they arrive at the workshop, to your card.\nc: D’accord || All right",
            "c: Le suivi dit livré depuis {days} jours et toujours pas de remboursement || Tracking says delivered {days} days ago and still no refund\nn: Hugo, tu peux regarder à la réception ? Colis {order}. || Hugo, can you look in receiving? Parcel {order}.\nn: Retrouvé, il était sous la pile de Gaspard. Remboursé à l’instant. || Found it, under the pile of Gaspards. Refunded just now.\na: Votre colis était bien là, avec toutes nos excuses. Le remboursement de {price} est parti à l’instant. || Your parcel was here, with our apologies. The refund of {price} has just left.\nc: Merci pour votre honnêteté || Thank you for being honest about it",
        ),
    ),
    chance=(1, 0.7, 0.65),
)

_OFFER = Topic(
    labels=("promotion",),
    weight=2.0,
    steps=(
        (
            "c: La deuxième paire à moitié prix, c’est valable sur tous les modèles ? || The second pair at half price, is that for every model?\na: Oui, sur la moins chère des deux, jusqu’au 15 décembre. || Yes, on the cheaper of the two, until 15 December.",
            "c: Bonjour, la remise n’apparaît pas dans mon panier || Hello, the reduction does not show in my basket\na: Bonjour. Elle se calcule à l’étape du paiement. Voyez-vous deux paires dans le panier ? || Hello. It is worked out at the payment step. Do you see two pairs in the basket?\nc: Ah oui, je vois maintenant || Ah yes, I see it now",
        ),
        (
            "c: Et si j’en rends une des deux ? || And if I return one of the two?\na: La remise est alors déduite du remboursement, le reste vous revient en entier. || Then the reduction is taken off the refund, the rest comes back to you in full.",
            "c: Je peux prendre une {model} et une Ourson pour mon fils ? || Can I take a {model} and an Ourson for my son?\na: Bien sûr, et c’est l’Ourson qui passe à moitié prix. || Of course, and it is the Ourson that goes to half price.\nc: Parfait 👍 || Perfect 👍",
            "c: Vous faites un geste pour {few} paires ? C’est pour une maison de retraite || Would you do something for {few} pairs? They are for a care home\nn: Camille, on peut faire 20 % ? || Camille, can we do 20%?\nn: Oui, et la livraison. || Yes, and delivery.\na: Nous vous proposons vingt pour cent et la livraison offerte. Je prépare un devis. || We can offer twenty per cent and free delivery. I am preparing a quotation.\nc: C’est très généreux, merci || That is very generous, thank you",
        ),
        (
            "c: Le code BIENVENUE marche encore ? || Does the code WELCOME still work?\na: Il ne se cumule pas avec l’offre en cours, mais il reste valable jusqu’en mars. || It cannot be combined with the current offer, but it stays valid until March.\nc: Je le garde alors || I’ll keep it then",
        ),
    ),
    chance=(1, 0.8, 0.35),
)

_DELIVERY = Topic(
    labels=("delivery",),
    weight=1.9,
    urgent=0.2,
    steps=(
        (
            "c: Bonjour, où en est ma commande {order} ? || Hello, where is my order {order}?\na: Bonjour, elle a quitté l’atelier hier, livraison prévue {weekday}. || Hello, it left the workshop yesterday, delivery is planned for {weekday}.",
            "c: Mon colis {order} est annoncé livré mais je n’ai rien reçu || My parcel {order} is marked delivered but I have nothing\na: Bonjour, je me renseigne tout de suite auprès du transporteur. || Hello, I am asking the carrier right away.\nn: Transporteur appelé, déposé chez la voisine du 2e. || Carrier called, left with the neighbour on the 2nd floor.\na: Il a été remis à une voisine, au deuxième étage. Pouvez-vous vérifier ? || It was handed to a neighbour on the second floor. Could you check?\nc: En effet, elle l’avait ! || Indeed, she had it!",
            "c: Livrez-vous en {country} ? || Do you deliver to {country}?\na: Oui, en {days} jours, pour 9 €. Offerte au-dessus de 120 €. || Yes, in {days} days, for €9. Free above €120.",
        ),
        (
            "c: C’est pour un anniversaire {weekday}, ça arrivera à temps ? || It is for a birthday on {weekday}, will it be in time?\na: En express, oui : commandez avant midi. Je peux ajouter un mot écrit à la main. || By express, yes: order before noon. I can add a handwritten note.\nc: Oh oui, « Joyeux anniversaire Mamie » || Oh yes, “Happy birthday Granny”\nn: Mot manuscrit à joindre à {order} || Handwritten note to go with {order}",
            "c: Puis-je changer l’adresse ? || May I change the address?\na: Tant que le colis n’est pas parti, oui. Donnez-la-moi ici. || As long as the parcel has not left, yes. Give it to me here.\nc: 12 rue des Lilas, {town} || 12 rue des Lilas, {town}\na: C’est changé. || Done.",
        ),
    ),
    chance=(1, 0.55),
)

_REPAIR = Topic(
    labels=("repair",),
    weight=1.2,
    urgent=0.1,
    steps=(
        (
            "c: La couture de ma {model} a lâché au bout de {days} semaines || The seam of my {model} came undone after {days} weeks\na: Bonjour, je suis navré. Pouvez-vous m’en envoyer une photo ici ? || Hello, I am sorry to hear that. Could you send me a picture here?\nc: Oui, je la prends ce soir || Yes, I’ll take one this evening\nc: C’est au talon, sur trois centimètres environ || It’s at the heel, about three centimetres",
            "c: Vous ressemelez vraiment à vie ? Les miennes ont huit ans || Do you really resole for life? Mine are eight years old\na: Vraiment. 18 € la paire, retour compris, et on ne compte pas les années. || Really. €18 a pair, return included, and we do not count the years.",
        ),
        (
            "n: Garantie, on répare. Prévoir fil poissé brun. || Under guarantee, we repair. Use the brown waxed thread.\na: Nous la réparons gratuitement. L’étiquette part par courriel, comptez dix jours. || We repair it free of charge. The label is on its way by e-mail, allow ten days.\nc: Merci beaucoup, je les adore || Thank you so much, I love them",
            "a: Envoyez-les dans une simple enveloppe à bulles, sans la boîte. || Send them in a plain padded envelope, without the box.\nc: Entendu || Understood",
        ),
    ),
    chance=(1, 0.9),
)

_CARE = Topic(
    labels=("advice",),
    weight=1.4,
    page="louise.html",
    steps=(
        (
            "c: Comment laver des pantoufles en feutre ? || How do I wash felt slippers?\na: À la main, eau froide, savon de Marseille, puis à plat loin du radiateur. || By hand, cold water, plain soap, then flat and away from the radiator.",
            "c: Le chien a renversé du café dessus 😅 || The dog spilled coffee on them 😅\na: Tamponnez à l’eau froide sans frotter, puis un peu de terre de Sommières une nuit. || Dab with cold water, do not rub, then leave fuller’s earth on overnight.\nc: J’essaie ce soir || I’ll try tonight\nc: Ça a marché ! || It worked!",
            "c: Est-ce que ça glisse sur le carrelage ? || Are they slippery on tiles?\na: La semelle crêpe de la Hector et de l’Ourson ne glisse pas du tout. Celle de la Louise, un peu les premiers jours. || The crepe sole of the Hector and the Ourson does not slip at all. The Louise does a little, the first days.",
        ),
        (
            "c: La laine est-elle française ? || Is the wool French?\na: Elle vient du Limousin, filée à Felletin. || It comes from Limousin, spun in Felletin.\nc: Super || Lovely",
            "c: Ça tient chaud ? Mon appartement est froid || Are they warm? My flat is cold\na: La Nuage est la plus chaude, doublée en peau lainée. || The Nuage is the warmest, lined with shearling.\nc: Je la prends alors || I’ll take that one then",
        ),
    ),
    chance=(1, 0.6),
)

BUSINESS = Business(
    slug="comfy-shoes",
    name="Comfy Shoes",
    locale="fr",
    colour="#A34724",
    french=0.68,
    agents=(
        ("Camille Moreau", "camille", "owner", "fr"),
        ("Hugo Lefèvre", "hugo", "admin", "fr"),
        ("Nora Whitfield", "nora", "agent", "en"),
    ),
    labels={
        "size": "sky",
        "return": "brass",
        "promotion": "plum",
        "delivery": "green",
        "repair": "brick",
        "advice": "zinc",
    },
    topics=(_SIZES, _RETURN, _OFFER, _DELIVERY, _REPAIR, _CARE),
    closings=(
        "c: Merci beaucoup, bonne journée || Thank you very much, have a good day\na: Avec plaisir, bonne journée à vous. || You are welcome, a good day to you.",
        "c: Parfait, merci || Perfect, thank you\na: Je vous en prie. N’hésitez pas à nous réécrire ici. || You are welcome. Write to us here again whenever you like.",
        "c: Super, je commande || Great, I’m ordering\na: Merci, elle partira demain matin. || Thank you, it will leave tomorrow morning.\nc: 🙏 || 🙏",
        "a: Est-ce que je peux vous aider pour autre chose ? || Is there anything else I can help you with?\nc: Non, c’est tout, merci {agent} || No, that is all, thank you {agent}",
        "c: Merci pour la réponse rapide ! || Thanks for the quick answer!\na: Bonne soirée, les pieds au chaud. || Have a good evening, with warm feet.",
    ),
    slots={
        "size": tuple((size, size) for size in ("36", "37", "38", "39", "40", "41", "42")),
        "cm": (("23,5", "23.5"), ("24,1", "24.1"), ("24,8", "24.8"), ("25,4", "25.4"), ("26,1", "26.1")),
        "model": tuple((name, name) for name in ("Louise", "Gaspard", "Nuage", "Safi", "Hector")),
        "colour": (
            ("terre cuite", "terracotta"),
            ("prune", "plum"),
            ("orage", "storm"),
            ("safran", "saffron"),
            ("sapin", "pine"),
        ),
        "few": (("deux", "two"), ("trois", "three"), ("cinq", "five"), ("huit", "eight"), ("douze", "twelve")),
        "days": (("trois", "three"), ("quatre", "four"), ("cinq", "five"), ("six", "six")),
        "order": tuple((f"CS-{number}", f"CS-{number}") for number in range(20417, 20917, 7)),
        "price": (("59 €", "€59"), ("64 €", "€64"), ("69 €", "€69"), ("72 €", "€72"), ("84 €", "€84")),
        "weekday": (("jeudi", "Thursday"), ("vendredi", "Friday"), ("samedi", "Saturday"), ("mardi", "Tuesday")),
        "country": (
            ("Belgique", "Belgium"),
            ("Suisse", "Switzerland"),
            ("Irlande", "Ireland"),
            ("Allemagne", "Germany"),
        ),
        "town": tuple(
            (town, town) for town in ("33000 Bordeaux", "44000 Nantes", "59000 Lille", "69003 Lyon", "87000 Limoges")
        ),
    },
)
