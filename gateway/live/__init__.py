"""Live events over Socket.IO: who is connected, what they may hear, and how connections come here."""
