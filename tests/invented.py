"""Days of invented papers that read like papers: seven subjects, each with its own words.

The same day always has the same papers. Their arXiv numbers lie beyond any that were given out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from random import Random

# For each subject: names, what they do, what for, and sentences that its papers are made of.
SUBJECTS: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "attention": (
        ("Lamplight", "Keyhole", "Dragnet", "Sieve", "Spyglass", "Lattice"),
        (
            "Sparse Attention",
            "Key–Value Cache Compression",
            "Sliding Window Attention",
            "Token Eviction",
        ),
        (
            "Long Context Language Models",
            "Million-Token Prompts",
            "Long Documents",
            "Streaming Decoding",
        ),
        (
            "Attention over a long context spends most of its time on tokens that change nothing.",
            "We keep the keys that a query is likely to need and leave the others on disk.",
            "The sparse attention pattern is chosen per head from the last few queries alone.",
            "At 128 thousand tokens the key–value cache shrinks to a sixth, and decoding is 3.1 times faster.",
            "Retrieval from the middle of a long context stays as good as with dense attention.",
            "What was evicted can be fetched again, and one answer in forty needs that.",
            "No weight is trained: the method is a change of eleven lines in the decoder.",
            "A human reader skips in the same places, as an eye tracker shows.",
        ),
    ),
    "agents": (
        ("Errand", "Quartermaster", "Second Opinion", "Foreman", "Logbook", "Understudy"),
        ("Tool Use", "Planning", "Self-Correction", "Delegation"),
        ("Language Model Agents", "Web Agents", "Agents in a Shared Office", "Household Tasks"),
        (
            "Agents built on language models act before they have asked what is wanted.",
            "Our agent writes a plan, marks the steps that cannot be undone, and asks before each of them.",
            "Tool calls are checked against the plan by a second model that sees no reasoning.",
            "On 640 tasks in nine applications the agent finishes 24% more, with half of the tool calls.",
            "Most of what remains are misread instructions, and not missing skills of the agent.",
            "When the agent is unsure it waits, and its waiting costs less than its mistakes did.",
            "The environment, with its calendars, ledgers and one cat, is released as a benchmark.",
            "Small language models gain more from the plan than large ones do.",
        ),
    ),
    "video": (
        ("Shutter", "Flicker", "Second Take", "Slow Light", "Afterimage", "Reel"),
        ("Video Diffusion", "Camera Control", "Frame Interpolation", "Motion Transfer"),
        ("Minute-Long Clips", "Handheld Footage", "Silent Film", "Moving Crowds"),
        (
            "Video diffusion models draw each frame as if time had stopped.",
            "We condition the diffusion of a frame on where the camera was, and for how long it looked.",
            "Motion blur then belongs to the video, and is no longer painted on.",
            "Viewers preferred our clips in 71% of the pairs, and most of all where people cross the frame.",
            "The video model is trained on 40 thousand clips whose cameras are known.",
            "Cuts are found first, since no motion crosses them.",
            "Faces stay the same person for a whole minute of video.",
            "It runs in the memory of one graphics card, at four frames a second.",
        ),
    ),
    "pruning": (
        ("Thin Ice", "Half Measure", "Carpenter", "Whittle", "Small Change", "Featherweight"),
        (
            "Two-Bit Quantization",
            "Structured Pruning",
            "Low-Rank Adapters",
            "Knowledge Distillation",
        ),
        ("Phones", "Laptops Without a Fan", "Cheap Inference", "Old Graphics Cards"),
        (
            "Weights are rounded one by one, though their errors add up together.",
            "We choose the order of rounding so that later weights repair what earlier quantization broke.",
            "Quantization to two bits costs 0.4 points on average, without any calibration data.",
            "Pruning a third of the channels afterwards changes nothing that we could measure.",
            "The quantized model answers at 31 tokens a second on a phone of 2022.",
            "The battery lasts 40 minutes longer, which our testers noticed first.",
            "Outliers are kept apart in a table of a thousand weights.",
            "All kernels are written in plain C, and fit into the cache.",
        ),
    ),
    "theory": (
        (
            "Why Wide Networks Wait",
            "The Last Mile",
            "Narrow Valleys",
            "Slow Noise",
            "Edge Cases",
            "A Late Jump",
        ),
        ("Gradient Descent", "Generalization Bounds", "Kernel Regimes", "Convergence Rates"),
        ("Two-Layer Networks", "Overparametrised Models", "Heavy-Tailed Noise", "Stale Gradients"),
        (
            "We prove a rate of convergence for gradient descent at the edge of stability.",
            "The bound depends on the loss alone, and on no norm of the weights.",
            "In the kernel regime it is tight; outside of it, a phase transition takes over.",
            "Experiments on thirty networks agree with the theory to within a factor of 2.7.",
            "The proof is short: it follows one scalar, the sharpness along the gradient.",
            "Momentum changes the constants and leaves the rate as it is.",
            "A counterexample in three dimensions shows that the assumption is needed.",
            "The sample complexity improves by a logarithm, which practice does not see.",
        ),
    ),
    "proteins": (
        ("Folding at the Door", "Loose Ends", "Soft Lock", "Chaperone", "Origami", "Hinge"),
        ("Protein Folding", "Binding Affinity", "Enzyme Design", "Disordered Regions"),
        ("Membrane Proteins", "Signal Peptides", "Antibodies", "Plastic-Eating Enzymes"),
        (
            "Signal peptides take shape before the rest of the protein has been made.",
            "We predict the fold of a protein from the order in which its residues leave the ribosome.",
            "Twelve of twenty designed enzymes fold as drawn, and three of them are active.",
            "Binding affinity is predicted within 0.6 kcal/mol for antibodies that were never seen.",
            "The model of protein folding and all measured structures are released.",
            "Mutations that break the fold are found without a single experiment.",
            "A crystal structure, solved after we had written this, agrees with the prediction.",
            "Water is modelled explicitly in the first shell, and as a field beyond.",
        ),
    ),
    "sound": (
        ("Counterpoint", "Murmur", "Night Shift", "Overtone", "Whisper Gallery", "Foghorn"),
        ("Speech Recognition", "Source Separation", "Audio Captioning", "Voice Conversion"),
        ("Bird Song", "Noisy Kitchens", "Dying Dialects", "Old Recordings"),
        (
            "Speech in a kitchen is masked by sounds that repeat.",
            "We separate the sources by their rhythm before any speech is recognised.",
            "Word error rates in noise fall from 31 to 19 percent with eleven hours of audio.",
            "The recordings of twelve speakers of a dying dialect were transcribed in a week.",
            "Listeners could not tell our separated audio from a microphone of its own.",
            "The network hears eight seconds at a time, and remembers the last minute.",
            "Blackbirds sing in phrases, and our model of speech found them without being told.",
            "Everything runs on a hearing aid, at a delay of nine milliseconds.",
        ),
    ),
}
GIVEN = (
    "Jocasta",
    "Obinna",
    "Lin",
    "Matthias",
    "Aurelio",
    "Mirjam",
    "Chidi",
    "Thandeka",
    "Ayaka",
    "Ines",
)
FAMILY = (
    "Merriweather",
    "Ezeudu",
    "Xuefang",
    "Grünbacher",
    "Fontanarosa",
    "Seebohm",
    "Mokwena",
    "Allardyce",
)
EACH = 4  # papers of each subject a day


def day(at: date) -> bytes:
    """That day's page, as the daily-papers API gives it: 28 papers."""
    return json.dumps([*_papers(at)]).encode()


def _papers(at: date) -> Iterator[dict[str, object]]:
    random = Random(at.toordinal())
    number = (at - date(2026, 1, 1)).days * len(SUBJECTS) * EACH
    for names, deeds, ends, sentences in SUBJECTS.values():
        for name, deed in zip(random.sample(names, EACH), random.sample(deeds, EACH), strict=True):
            number += 1
            title = f"{name}: {deed} for {random.choice(ends)}"
            abstract = " ".join(random.sample(sentences, 4))
            yield _paper(number, title, abstract, random)


def _paper(number: int, title: str, abstract: str, random: Random) -> dict[str, object]:
    people = [
        f"{random.choice(GIVEN)} {random.choice(FAMILY)}" for _ in range(random.randint(1, 5))
    ]
    paper = {
        "id": f"2611.{90_000 + number % 10_000}",
        "title": title,
        "summary": abstract,
        "authors": [{"name": name} for name in dict.fromkeys(people)],
        "upvotes": int(random.paretovariate(0.8) * 4) % 50,
        "publishedAt": "2026-11-02T00:00:00.000Z",
    }
    if random.random() < 0.3:
        paper["githubRepo"] = (
            f"https://github.com/example-lab/{title.partition(':')[0].lower().replace(' ', '-')}"
        )
    return {"title": title, "paper": paper}
