"""A real KVM cluster on one machine: libvirtd, QEMU guests, sshd in namespaces of their own."""
