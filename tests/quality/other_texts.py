"""A little German, French and Spanish prose, written for these tests."""

from __future__ import annotations

GERMAN = (
    "Der Vertrag wird zwischen dem Käufer und dem Verkäufer geschlossen. Er gilt nur dann, wenn beide ihn "
    "unterschrieben haben. Wer die Ware nicht rechtzeitig bezahlt, muss sie zurückgeben oder den Schaden "
    "ersetzen. Das Gericht kann auf Antrag eine andere Frist bestimmen, sofern dies nach den Umständen des Falles "
    "angemessen ist. Alles andere regelt das Gesetz, und zwar so, wie es am Tage des Abschlusses gegolten hat. Am "
    "nächsten Morgen ging sie früh aus dem Haus, weil sie den ersten Zug noch erreichen wollte. Auf der Straße "
    "war es still, und über den Dächern stand ein dünner Nebel. Der Nachbar, der sonst immer schon am Fenster "
    "saß, hatte die Läden geschlossen. Sie dachte an die Abschlussprüfung der Feuerwehrleute und daran, was ihr "
    "Bruder ihr am Abend erzählt hatte."
)
FRENCH = (
    "Le contrat est conclu entre l'acheteur et le vendeur, et il n'est valable que si les deux parties l'ont "
    "signé. Celui qui ne paie pas la marchandise à temps doit la rendre ou réparer le dommage qu'il a causé. Le "
    "juge peut, à la demande de l'une des parties, fixer un autre délai lorsque les circonstances de l'affaire le "
    "permettent. Tout le reste est réglé par la loi, telle qu'elle était en vigueur le jour de la signature. Le "
    "lendemain matin, elle sortit de bonne heure, parce qu'elle voulait encore prendre le premier train. La rue "
    "était calme, et un léger brouillard flottait au-dessus des toits. Le voisin, qui d'habitude était déjà assis "
    "à sa fenêtre, avait fermé les volets. Elle pensait à ce que son frère lui avait raconté la veille, et à "
    "l'eau froide de la rivière où ils nageaient enfants."
)
SPANISH = (
    "El contrato se celebra entre el comprador y el vendedor, y solo es válido cuando los dos lo han firmado. "
    "Quien no pague la mercancía a tiempo tiene que devolverla o reparar el daño que haya causado. El juez puede "
    "fijar otro plazo a petición de una de las partes, siempre que las circunstancias del caso lo permitan. Todo "
    "lo demás se rige por la ley, tal como estaba en vigor el día de la firma. A la mañana siguiente salió "
    "temprano de casa, porque quería tomar el primer tren. La calle estaba tranquila y una niebla ligera flotaba "
    "sobre los tejados. El vecino, que casi siempre estaba ya sentado junto a la ventana, había cerrado las "
    "persianas. ¿Qué le había contado su hermano la noche anterior? ¡Cuánto le habría gustado saberlo! Pensó en "
    "el río frío donde nadaban cuando eran niños."
)
OTHERS = {"de": GERMAN, "fr": FRENCH, "es": SPANISH}
