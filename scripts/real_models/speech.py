"""Models for speech: recurrent layers of every kind, with a state that is carried on, and convolutions with CTC."""

import torch
from torch import nn

from torch_export import DYNAMO, enliven, export, random

MELS, WIDTH, LETTERS = 40, 64, 29


def recurrent(model, seed):
    """Weights of recurrent layers that neither saturate the gates nor forget at once."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.RNNBase):
                for value in module.parameters():
                    value.copy_(torch.randn(value.shape, generator=generator) * 1.5 * module.hidden_size ** -0.5)
    return model


class Letters(nn.Module):
    """DeepSpeech: convolutions over mel frames, recurrent layers in both directions, letters for CTC."""

    def __init__(self, layer):
        super().__init__()
        self.front = nn.Sequential(
            nn.Conv1d(MELS, WIDTH, 5, stride=2, padding=2), nn.BatchNorm1d(WIDTH), nn.Hardtanh(0, 20),
            nn.Conv1d(WIDTH, WIDTH, 5, padding=2, groups=4), nn.BatchNorm1d(WIDTH), nn.ReLU())
        self.layers = layer(WIDTH, WIDTH, num_layers=2, bidirectional=True, batch_first=True)
        self.letters = nn.Linear(2 * WIDTH, LETTERS)

    def forward(self, mels):
        x, _ = self.layers(self.front(mels).transpose(1, 2))
        return self.letters(x).log_softmax(-1)


class Stepping(nn.Module):
    """A step of a streaming model: frames and the state in, scores and the state out."""

    def __init__(self, kind):
        super().__init__()
        self.kind = kind
        self.entry = nn.Linear(MELS, WIDTH)
        self.layers = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}[kind](WIDTH, WIDTH, num_layers=2, batch_first=True)
        self.scores = nn.Linear(WIDTH, LETTERS)

    def forward(self, frames, state, cell=None):
        carried = (state, cell) if self.kind == "lstm" else state
        x, carried = self.layers(torch.tanh(self.entry(frames)), carried)
        return (self.scores(x), *carried) if self.kind == "lstm" else (self.scores(x), carried)


class Wave(nn.Module):
    """wav2vec: strided convolutions on the sound itself, a group norm, gated convolutions, letters."""

    def __init__(self):
        super().__init__()
        self.front = nn.Sequential(
            nn.Conv1d(1, WIDTH, 10, stride=5, bias=False), nn.GroupNorm(8, WIDTH), nn.GELU(),
            nn.Conv1d(WIDTH, WIDTH, 8, stride=4), nn.GELU(), nn.Conv1d(WIDTH, WIDTH, 4, stride=2), nn.GELU())
        self.place = nn.Conv1d(WIDTH, WIDTH, 15, padding=7, groups=8)
        self.gates = nn.ModuleList(nn.Conv1d(WIDTH, 2 * WIDTH, 3, padding=2 ** n, dilation=2 ** n) for n in range(4))
        self.norm = nn.LayerNorm(WIDTH)
        self.letters = nn.Linear(WIDTH, LETTERS)

    def forward(self, sound):
        x = self.front(sound[:, None])
        x = x + self.place(x)
        for gate in self.gates:
            x = x + nn.functional.glu(gate(x), 1)
        return self.letters(self.norm(x.transpose(1, 2))).log_softmax(-1)


class Vocoder(nn.Module):
    """HiFi-GAN: transposed convolutions and dilated residuals from mel frames to sound."""

    def __init__(self):
        super().__init__()
        self.entry = nn.Conv1d(MELS, WIDTH, 7, padding=3)
        self.ups = nn.ModuleList([
            nn.ConvTranspose1d(WIDTH, WIDTH // 2, 8, stride=4, padding=2),
            nn.ConvTranspose1d(WIDTH // 2, WIDTH // 4, 8, stride=4, padding=2)])
        self.residuals = nn.ModuleList(
            nn.Conv1d(WIDTH >> n, WIDTH >> n, 3, padding=d, dilation=d) for n in (1, 2) for d in (1, 3))
        self.out = nn.Conv1d(WIDTH // 4, 1, 7, padding=3)

    def forward(self, mels):
        x = self.entry(mels)
        for index, up in enumerate(self.ups):
            x = up(nn.functional.leaky_relu(x, 0.1)) * 2
            for residual in self.residuals[2 * index : 2 * index + 2]:
                x = x + residual(nn.functional.leaky_relu(x, 0.1)) * 0.5
        return torch.tanh(self.out(nn.functional.leaky_relu(x)) * 0.3)


def make():
    # The exporter that torch.export feeds needs a length that strides divide, or none.
    frames = {0: "batch"} if DYNAMO else {0: "batch", 2: "frames"}
    letters = {0: "batch"} if DYNAMO else {0: "batch", 1: "steps"}
    second = 48 if DYNAMO else 71
    mels = [{"mels": random(2, MELS, 48, seed=1)}, {"mels": random(3, MELS, second, seed=2)}]
    opset = 18 if DYNAMO else 0
    for seed, (name, layer, version) in enumerate((("lstm", nn.LSTM, 13), ("gru", nn.GRU, 12))):
        model = recurrent(enliven(Letters(layer), 70 + seed, mels[0]["mels"]), 80 + seed)
        export(f"letters-{name}", "speech", model, mels, ["letters"], {"mels": frames, "letters": letters},
               opset or version, axis=-1)

    for seed, kind in enumerate(("lstm", "gru", "rnn")):
        def step(batch, length, at):
            given = {"frames": random(batch, length, MELS, seed=at), "state": random(2, batch, WIDTH, seed=at + 1, scale=0.5)}
            return given | ({"cell": random(2, batch, WIDTH, seed=at + 2)} if kind == "lstm" else {})

        cases = [step(2, 7, 10 + seed), step(2 if DYNAMO else 1, 20, 20 + seed)]
        outputs = ["scores", "state_out"] + (["cell_out"] if kind == "lstm" else [])
        axes = {} if DYNAMO else {"frames": {0: "batch", 1: "length"}, "scores": {0: "batch", 1: "length"}} | {
            key: {1: "batch"} for key in ("state", "cell", "state_out", "cell_out")[: 4] if kind == "lstm" or "cell" not in key}
        cases = [cases[0], step(2, 7, 30 + seed)] if DYNAMO else cases
        model = recurrent(enliven(Stepping(kind), 74 + seed, None), 84 + seed)
        export(f"step-{kind}", "speech", model, cases, outputs, axes, opset or 14, axis=-1)

    sounds = [{"sound": random(1, 1600, seed=1)}, {"sound": random(2, 1600 if DYNAMO else 2711, seed=2)}]
    export("wave-ctc", "speech", enliven(Wave(), 90, None), sounds, ["letters"],
           {"sound": {0: "batch"} if DYNAMO else {0: "batch", 1: "samples"}, "letters": letters}, opset or 16, axis=-1)
    export("vocoder", "speech", enliven(Vocoder(), 91, None), mels, ["sound"],
           {"mels": frames, "sound": {0: "batch"} if DYNAMO else {0: "batch", 2: "samples"}}, opset or 11)
