"""What the documentation needs beside Sphinx: pages made from the code, and links to them."""
